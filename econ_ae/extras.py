"""What is installed only with an extra (`pip install 'econ-ae[train]'`), and errors that name the extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from econ_ae.errors import PackageMissingError

_PLOT = ("matplotlib", "mplhep", "jinja2", "scipy")
_RTL = ("cocotb", "jinja2", "squarify")
_TRAIN = ("tensorflow", "tf_keras", "qkeras", "tensorflow_model_optimization", "google.protobuf")

EXTRAS: dict[str, tuple[str, ...]] = {
    "plot": _PLOT,
    "rtl": _RTL,
    "physics": ("sklearn", *_PLOT),
    "train": (*_TRAIN, *_PLOT, *_RTL),
    "explore": ("optuna", "distributed", "sqlalchemy", "psycopg", "bokeh", "tomli_w", *_TRAIN, *_PLOT, *_RTL),
    "root": ("uproot", "awkward", "cramjam"),
    "parquet": ("pyarrow",),
    "onnx": ("onnx", "onnxruntime"),
    "serve": ("onnx", "onnxruntime", *_TRAIN, *_PLOT, *_RTL),
    "pythia": ("pythia8mc",),
    "pot": ("ot",),
}
"""Modules by the extra that brings them; of two extras with a module the first one is named."""

_BESIDES = {"markupsafe": "plot", "dask": "explore", "cocotb_tools": "rtl", "keras": "train", "google": "train"}


def is_installed(module: str) -> bool:
    """Tell whether a module can be found, without importing more than the packages that it is in."""
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # no parent, or None in sys.modules
        return False


def missing(extra: str) -> tuple[str, ...]:
    """Return the modules of an extra that are not installed."""
    return tuple(name for name in EXTRAS[extra] if not is_installed(name))


def require(extra: str, what: str) -> None:
    """Find an extra's packages before any work.

    Parameters
    ----------
    extra : its name
    what : for whom, for the message

    Raises
    ------
    PackageMissingError
        When one is not installed.
    """
    if lacking := missing(extra):
        raise _error(f"{what} needs {lacking[0]}, which", extra)


def explained(problem: ModuleNotFoundError) -> PackageMissingError | None:
    """Return a failed import as an error that names the extra; None when no extra has the module, or it is there."""
    name = problem.name or ""
    top = name.partition(".")[0]
    extra = next((e for e, modules in EXTRAS.items() if top in modules), _BESIDES.get(top))
    if extra is None or (name != top and is_installed(name)):
        return None
    return _error(f"the package {name if top == 'google' else top}", extra)


@contextmanager
def naming_extras() -> Iterator[None]:
    """Turn imports that fail for want of an extra into PackageMissingError; also a decorator."""
    try:
        yield
    except ModuleNotFoundError as problem:
        found = explained(problem)
        if found is None:
            raise
        raise found from None


def _error(what: str, extra: str) -> PackageMissingError:
    return PackageMissingError(f"{what} is not installed; install it with: pip install 'econ-ae[{extra}]'")
