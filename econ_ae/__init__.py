"""econ-ae: the open codesign flow for neural-network data compression in detector front-end ASICs."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("econ-ae")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
