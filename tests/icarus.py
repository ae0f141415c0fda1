"""The simulator that many tests need."""

from __future__ import annotations

from tests.required import needs

needs_icarus = needs("iverilog")
"""Skips where Icarus is missing; a run that must not skip runs the test, which fails."""
