"""Templates of the C++ generator."""

from __future__ import annotations

from pathlib import Path

from econ_ae.texts import renderer

render = renderer(Path(__file__).parent / "templates")
"""Returns the text of ``templates/<template>.j2``; a value that the template misses is an error."""
