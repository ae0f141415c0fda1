"""What is known of a point of a search, from its draw to silicon; to and from JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from econ_ae.errors import RunDirectoryError


class State(StrEnum):
    """Where a point is."""

    ASKED = "asked"
    REFUSED = "refused"
    REPEATED = "repeated"
    STOPPED = "stopped"
    TRAINED = "trained"
    FAILED = "failed"


SETTLED = (State.REFUSED, State.REPEATED)
"""States that a point is drawn in, without any work."""


@dataclass(frozen=True)
class Rung:
    """A training so far.

    Parameters
    ----------
    rung : number of the comparison, from 0
    epochs : done
    emd : mean EMD of the validation rows, EMD units, from the transmitted bits
    error : standard error of that mean
    seconds : of this part of the training and its evaluation
    """

    rung: int
    epochs: int
    emd: float
    error: float
    seconds: float


@dataclass(frozen=True)
class Silicon:
    """What synthesis said.

    Parameters
    ----------
    kge : area of the block, kilo gate equivalents; None when it failed
    power : mW; None when it was not asked for
    problem : why there is none
    """

    kge: float | None
    power: float | None
    seconds: float
    problem: str = ""


@dataclass(frozen=True)
class Checked:
    """What the end of a search says of a point of the front.

    Parameters
    ----------
    verified : events of the Verilog that were compared, all equal; None when that was not asked for
    report_emd, report_error : of the report rows, which chose nothing
    problem : what went wrong
    """

    verified: int | None
    report_emd: float | None
    report_error: float | None
    problem: str = ""


@dataclass(frozen=True)
class Trial:
    """A point.

    Parameters
    ----------
    number : from 0, in the order of the draws
    generation : that it was asked for in
    parameters : as the sampler drew them
    values : of the variables that are in use
    known : before any training: area in kGE with its relative error, registers, latency, elinks, bits
    reason : why it was refused, is like another one, or failed
    excess : by how much it breaks every constraint, 0 where it does not
    system : what the sampler keeps of it
    attempts : times that work on it was lost
    told : the sampler was told of it
    """

    number: int
    generation: int
    parameters: Mapping[str, Any]
    values: Mapping[str, Any]
    known: Mapping[str, float]
    state: State
    reason: str = ""
    excess: Mapping[str, float] = field(default_factory=dict)
    rungs: tuple[Rung, ...] = ()
    silicon: Silicon | None = None
    checked: Checked | None = None
    system: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    told: bool = False

    @property
    def name(self) -> str:
        """Of its directory."""
        return f"{self.number:04d}"

    def at(self, rung: int) -> Rung | None:
        """Return what is known at a rung."""
        return next((one for one in self.rungs if one.rung == rung), None)

    def figure(self, objective: str, *, optimistic: bool = False) -> float | None:
        """Return the value of an objective, measured where it is, else estimated; None when it is not known.

        Parameters
        ----------
        optimistic : the estimate at the good end of its error
        """
        if objective == "emd":
            return self.rungs[-1].emd if self.rungs else None
        if objective == "power":
            return None if self.silicon is None else self.silicon.power
        if objective == "area" and self.silicon is not None and self.silicon.kge is not None:
            return self.silicon.kge
        value = self.known.get(objective)
        if value is not None and objective == "area" and optimistic:
            return value * (1 - self.known.get("area_error", 0.0))
        return value

    def with_rung(self, rung: Rung) -> Trial:
        """Return the trial with a rung more."""
        return replace(self, rungs=(*(one for one in self.rungs if one.rung != rung.rung), rung))

    def to_json(self) -> str:
        """Return it as JSON."""
        return _TRIAL.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str, where: str) -> Trial:
        """Return what ``to_json`` wrote; RunDirectoryError when it is something else."""
        try:
            return _TRIAL.validate_json(text)
        except ValidationError as problem:
            first = problem.errors()[0]
            raise RunDirectoryError(
                f"{where} holds a trial that this version does not read ({'.'.join(map(str, first['loc']))}: "
                f"{first['msg']}); make the search again, or use the version that wrote it"
            ) from None


_TRIAL: TypeAdapter[Trial] = TypeAdapter(Trial)
_TRIALS: TypeAdapter[tuple[Trial, ...]] = TypeAdapter(tuple[Trial, ...])


def dump(trials: Sequence[Trial]) -> str:
    """Return trials as JSON."""
    return _TRIALS.dump_json(tuple(trials), indent=1).decode() + "\n"


def parsed(text: str | bytes, where: str) -> tuple[Trial, ...]:
    """Return what ``dump`` wrote; RunDirectoryError, which names ``where``, when it is something else."""
    try:
        return _TRIALS.validate_json(text)
    except ValidationError as problem:
        raise RunDirectoryError(f"{where} is damaged: {problem.errors()[0]['msg']}") from None
