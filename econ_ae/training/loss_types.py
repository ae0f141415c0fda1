"""The type of a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Loss = Callable[[Any, Any], Any]
"""Function of (true, predicted) charge fractions, float32 (n, cells) each, that gives a scalar tensor."""
