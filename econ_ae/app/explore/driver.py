"""The one driver of a search: it draws a generation, gives its work out, and tells it in the order of its numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from econ_ae.app.explore.asking import Asker, values_of
from econ_ae.app.explore.directory import DATA, SearchDirectory
from econ_ae.app.explore.halving import Figures, can_reach, survivors
from econ_ae.app.explore.points import data_key, hash_of, point
from econ_ae.app.explore.records import SETTLED, State, Trial
from econ_ae.app.explore.results import line
from econ_ae.app.explore.work import Outcome, Task
from econ_ae.config import RunConfig
from econ_ae.errors import ConfigError, DataError, ModelError, one_line
from econ_ae.progress import Progress

_PAUSE = 1.0
"""Seconds between two states that are written."""


class Workers(Protocol):
    """Who does tasks, see ``cluster.Cluster``."""

    def run(self, tasks: Sequence[Task], arrived: Callable[[Outcome], None]) -> dict[int, Outcome]:
        """Return the outcome of every task by the number of its trial."""

    def attempts(self, number: int) -> int:
        """Return how often work on a trial was lost."""


class Trials(Protocol):
    """Where trials are kept, see ``storage.Log``."""

    def trials(self) -> list[Trial]:
        """Return all of them by number."""

    def add(self, trial: Trial) -> None:
        """Keep a draw."""

    def tell(self, trial: Trial) -> None:
        """Keep what became of it."""


@dataclass
class Driver:
    """One search at work.

    Parameters
    ----------
    place : its directory
    log : its storage
    workers : who trains
    share_data : makes the run whose rows a point trains on, in a directory; raises EconAeError when it cannot
    changed : is called after every generation
    """

    place: SearchDirectory
    log: Trials
    workers: Workers
    share_data: Callable[[RunConfig, Path], None]
    progress: Progress
    changed: Callable[[list[Trial]], None]
    trials: list[Trial] = field(default_factory=list)
    _configs: dict[int, RunConfig] = field(default_factory=dict)
    _noted: float = -math.inf

    def run(self) -> list[Trial]:
        """Do all generations; what is done already is not repeated. Return all trials.

        Raises
        ------
        ConfigError
            When no draw keeps the constraints.
        """
        search = self.place.config
        self.trials = self.log.trials()
        self._note(at_once=True)
        generation = max((one.generation for one in self.trials), default=0)
        while True:
            own = self._of(generation)
            open_ = [one for one in own if not one.told]
            if own and not open_:
                generation += 1
                if len(self.trials) >= search.budget.trials:
                    return self.trials
                continue
            if len(open_) == len(own):  # nothing of it is told: its draws may have been cut off
                self._ask(generation)
            if not self._of(generation):
                return self.trials
            self._generation(generation)

    def _of(self, generation: int) -> list[Trial]:
        return [one for one in self.trials if one.generation == generation]

    def _set(self, trial: Trial) -> None:
        self.trials[trial.number] = trial

    def _note(self, *, at_once: bool = False) -> None:
        """Write what is known; with a thousand workers not with every outcome."""
        if at_once or time.monotonic() - self._noted > _PAUSE:
            self.place.write_state(self.trials)
            self._noted = time.monotonic()

    def _ask(self, generation: int) -> None:
        """Draw what is missing of a generation."""
        search, budget = self.place.config, self.place.config.budget
        asker = Asker(search, self.trials)
        known = {hash_of(config): one.number for one in self.trials if (config := self._config(one)) is not None}
        draws = len(self._of(generation))
        wanted = sum(one.state not in SETTLED for one in self._of(generation))
        while wanted < budget.generation and draws < budget.draws * budget.generation:
            if len(self.trials) >= budget.trials:
                break
            number = len(self.trials)
            parameters, system = asker.ask(number)
            found = point(search, values_of(search, parameters))
            state, reason = State.ASKED, found.reason
            if found.reason:
                state = State.REFUSED
            elif found.config is not None:
                same = known.setdefault(hash_of(found.config), number)
                if same != number:
                    state, reason = State.REPEATED, f"same as trial {same}"
            trial = Trial(
                number,
                generation,
                parameters,
                found.values,
                found.known,
                state,
                reason,
                found.excess,
                system=system,
            )
            self.log.add(trial)
            self.trials.append(trial)
            draws, wanted = draws + 1, wanted + (state == State.ASKED)
        if not known:
            self._none_found()

    def _none_found(self) -> None:
        """Say why no draw is a point to train; later generations may well have none, when the space is used up."""
        reasons = [one.reason for one in self.trials]
        raise ConfigError(
            f"none of {len(reasons)} draws is a point that may be trained; do the constraints contradict each other or "
            f"the space? most often: {max(reasons, key=reasons.count)}"
        )

    def _config(self, trial: Trial) -> RunConfig | None:
        """Return the settings of a point that may be trained; None of others."""
        if trial.state in SETTLED:
            return None
        if trial.number not in self._configs:
            search = self.place.config
            self._configs[trial.number] = search.space.config(values_of(search, trial.parameters), "point")
        return self._configs[trial.number]

    def _generation(self, generation: int) -> None:
        """Train a generation rung by rung, synthesise, tell."""
        search = self.place.config
        refused = sum(one.state in SETTLED for one in self._of(generation))
        left = [one.number for one in self._of(generation) if one.state not in SETTLED]
        self.progress.say(f"generation {generation}: {len(left)} points to train, {refused} refused or repeated draws")
        for rung in range(len(search.rungs)):
            last = rung == len(search.rungs) - 1
            left = self._train(left, rung, last=last)
            if last:
                for number in left:
                    self._set(replace(self.trials[number], state=State.TRAINED))
                break
            own = {number: self._figures(self.trials[number], rung) for number in left}
            others = {
                one.number: self._figures(one, rung)
                for one in self.trials
                if one.generation < generation and one.at(rung) is not None
            }
            stay = survivors(own, others, search.budget.keep)
            for number in left:
                if number not in stay and not self.trials[number].told:
                    self._set(replace(self.trials[number], state=State.STOPPED))
            left = stay
        self._synthesise([number for number in left if not self.trials[number].told])
        for number in sorted(one.number for one in self._of(generation)):
            trial = self.trials[number]
            if not trial.told:
                trial = replace(trial, told=True)
                self.log.tell(trial)
                self._set(trial)
        self._note(at_once=True)
        self.changed(self.trials)

    def _figures(self, trial: Trial, rung: int) -> Figures:
        """Return the objectives at a rung, each the smaller the better; power is not known there."""
        found = trial.at(rung)
        assert found is not None
        values = {name: found.emd if name == "emd" else trial.known.get(name, 0.0) for name in self._objectives}
        return tuple(values[name] * sign for name, sign in self._objectives.items())

    @property
    def _objectives(self) -> dict[str, int]:
        return {name: 1 if way == "minimise" else -1 for name, way in self.place.config.objectives.items()}

    def _train(self, numbers: Sequence[int], rung: int, *, last: bool) -> list[int]:
        """Train points up to a rung; return those that got there."""
        tasks = []
        for number in numbers:
            trial = self.trials[number]
            if trial.told:
                continue
            try:
                tasks.append(self.task("train", trial, rung=rung, last=last))
            except (ConfigError, DataError, ModelError) as problem:
                self._set(replace(trial, state=State.FAILED, reason=one_line(problem)))

        def arrived(outcome: Outcome) -> None:
            trial = replace(self.trials[outcome.number], attempts=self.workers.attempts(outcome.number))
            if outcome.rung is None:
                self._set(replace(trial, state=State.FAILED, reason=outcome.failure))
            else:
                self._set(trial.with_rung(outcome.rung))
            self.progress.say(line(self.trials[outcome.number], outcome.rung))
            self._note()

        self.workers.run(tasks, arrived)
        return [n for n in numbers if self.trials[n].at(rung) is not None and self.trials[n].state != State.FAILED]

    def task(self, kind: str, trial: Trial, *, rung: int = 0, last: bool = False) -> Task:
        """Return work on a trial; ConfigError, DataError, ModelError when it has no data or does not suit them."""
        search, config = self.place.config, self._config(trial)
        assert config is not None  # it was drawn as a point that may be trained
        data = self.place.path / DATA / data_key(config)
        self.share_data(config, data)
        whole = config.training.epochs
        return Task(
            kind,
            trial.number,
            str(self.place.trial(trial).resolve()),
            config,
            str(data.resolve()),
            rung,
            whole if last else min(search.rungs[rung], whole),
            last,
            search.synthesis,
        )

    def _synthesise(self, numbers: Iterable[int]) -> None:
        """Synthesise the points that could be in the front if the estimate were as wrong as it may be."""
        asked = self.place.config.synthesis
        if asked is None or asked.liberty is None or asked.when == "end":
            return
        chosen = [n for n in numbers if self.trials[n].silicon is None and self._could_be_in_front(n)]
        chosen = sorted(chosen, key=lambda n: (self.trials[n].figure("emd") or 0.0, n))[: asked.most]
        self.synthesise(chosen)

    def synthesise(self, numbers: Iterable[int]) -> None:
        """Synthesise points and keep their areas."""
        tasks = [self.task("synthesise", self.trials[number]) for number in sorted(numbers)]

        def arrived(outcome: Outcome) -> None:
            trial = self.trials[outcome.number]
            if outcome.silicon is None:
                self._set(replace(trial, reason=f"synthesis: {outcome.failure}"))
            else:
                self._set(replace(trial, silicon=outcome.silicon))
            found = outcome.silicon
            told = outcome.failure if found is None or found.kge is None else f"{found.kge:.1f} kGE"
            self.progress.say(f"trial {outcome.number}: synthesised, {told}")
            self._note()

        self.workers.run(tasks, arrived)

    def _could_be_in_front(self, number: int) -> bool:
        names = [name for name in self._objectives if name != "power"]
        best = self._known(self.trials[number], names, optimistic=True)
        measured = [
            found
            for one in self.trials
            if one.number != number
            and one.state == State.TRAINED
            and one.silicon is not None
            and one.silicon.kge is not None
            and (found := self._known(one, names)) is not None
        ]
        return best is not None and can_reach(best, measured)

    def _known(self, trial: Trial, names: Sequence[str], *, optimistic: bool = False) -> Figures | None:
        found = [trial.figure(name, optimistic=optimistic) for name in names]
        if any(value is None for value in found):
            return None
        return tuple(
            value * self._objectives[name] for name, value in zip(names, found, strict=True) if value is not None
        )
