"""econ-ae: the open codesign flow for neural-network data compression in detector front-end ASICs.

``econ_ae.load``, ``read``, ``emd``, ``plot`` and what they return are those of ``econ_ae.app.api``, imported on first
use; ``__init__.pyi`` has their types.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["Comparison", "Decoder", "EconAeError", "Encoder", "Images", "Row", "Run", "emd", "load", "plot", "read"]

try:
    __version__ = version("econ-ae")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("econ_ae.app.api"), name)
    raise AttributeError(f"module 'econ_ae' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
