"""Reading a configuration as CMSSW would: it is executed, with stand-ins for the modules that it imports.

Nothing else can be imported by it, and it gets none of Python's builtins: it is checked, not trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from econ_ae.errors import DataError
from econ_ae.files import read_text

_CONFIG = "FWCore.ParameterSet.Config"
_RELEASE = "L1Trigger.L1THGCal.l1tHGCalConcentratorProducer_cfi"
_BASE = "autoEncoder_conc_proc"


@dataclass(frozen=True)
class Typed:
    """A parameter: its CMSSW type and its value."""

    type: str
    value: Any


class Parameters(dict[str, Typed]):
    """A parameter set."""

    def clone(self, **changes: Any) -> Parameters:
        """Return a copy with other values; a bare value keeps the type, as in CMSSW."""
        out = Parameters(self)
        for name, value in changes.items():
            if isinstance(value, Typed):
                out[name] = value
            elif isinstance(value, Parameters):
                out[name] = Typed("PSet", value)
            elif name in out:
                out[name] = Typed(out[name].type, value)
            else:
                raise DataError(f"{name} is given without a type, and {_BASE} has none of that name")
        return out

    def get(self, kind: str, name: str) -> Any:  # type: ignore[override]
        """Return a value; DataError when it is not there or of another type: the C++ class would stop."""
        if name not in self:
            raise DataError(f"the configuration has no {name}; expected a {kind}")
        if self[name].type != kind:
            raise DataError(f"{name} is a {self[name].type}; expected a {kind}, the class reads no other type")
        return self[name].value


def _scalar(kind: str, convert: Callable[[Any], Any]) -> Callable[[Any], Typed]:
    return lambda value: Typed(kind, convert(value))


def _vector(kind: str, convert: Callable[[Any], Any]) -> Callable[..., Typed]:
    def make(*values: Any) -> Typed:
        items = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
        return Typed(kind, tuple(convert(item) for item in items))

    return make


def _unsigned(value: Any) -> int:
    if int(value) < 0:
        raise DataError(f"{value} stands where CMSSW takes no negative number")
    return int(value)


def _config_module() -> SimpleNamespace:
    scalars: dict[str, Callable[[Any], Any]] = {
        "int32": int,
        "uint32": _unsigned,
        "double": float,
        "bool": bool,
        "string": str,
        "FileInPath": str,
    }
    vectors: dict[str, Callable[[Any], Any]] = {
        "vint32": int,
        "vuint32": _unsigned,
        "vstring": str,
        "VPSet": lambda item: item,
    }
    return SimpleNamespace(
        PSet=lambda **values: Parameters().clone(**values),
        **{name: _scalar(name, convert) for name, convert in scalars.items()},
        **{name: _vector(name, convert) for name, convert in vectors.items()},
    )


def release(config: Any) -> Parameters:
    """Return what the class reads of the release's ``autoEncoder_conc_proc``, as far as a package may leave it out.

    Parameters
    ----------
    config : the stand-in for ``FWCore.ParameterSet.Config``
    """
    found: Parameters = config.PSet(
        ProcessorName=config.string("HGCalConcentratorProcessorSelection"),
        Method=config.vstring("autoEncoder", "autoEncoder", "thresholdSelect"),
        nBitsPerInput=config.int32(8),
        maxBitsPerOutput=config.int32(9),
        zeroSuppresionThreshold=config.double(0.1),
        bitShiftNormalization=config.bool(True),
        saveEncodedValues=config.bool(False),
        preserveModuleSum=config.bool(True),
    )
    return found


def read_configuration(path: Path) -> Parameters:
    """Return the processor's parameters in a configuration file.

    Raises
    ------
    DataError
        When it cannot be executed, imports something else, or defines no single processor.
    """
    text = read_text(path, DataError, "a Python configuration of CMSSW")
    config = _config_module()
    modules: Mapping[str, Any] = {_CONFIG: config, _RELEASE: SimpleNamespace(**{_BASE: release(config)})}

    def take(name: str, *_: Any) -> Any:
        if name not in modules:
            raise ImportError(f"no module {name} in this check")
        return _nested(name, modules[name])

    names: dict[str, Any] = {"__builtins__": {"__import__": take}}
    try:
        exec(compile(text, str(path), "exec"), names)  # the check of what CMSSW would execute
    except DataError as problem:
        raise DataError(f"{path}: {problem}") from problem
    except Exception as problem:  # whatever a script may raise
        raise DataError(f"{path}: cannot be executed: {type(problem).__name__}: {problem}") from problem
    found = [value for name, value in names.items() if isinstance(value, Parameters) and name != _BASE]
    if len(found) != 1:
        raise DataError(f"{path}: defines {len(found)} parameter sets; expected one, the processor's")
    return found[0]


def _nested(name: str, module: Any) -> Any:
    """Return what ``import a.b.c as d`` walks through: the module inside its packages, and the module's own names."""
    outer = module
    for part in reversed(name.split(".")[1:]):
        outer = SimpleNamespace(**vars(module), **{part: outer})
    return outer
