"""Draws of points: Optuna's samplers, seeded anew for every number, on a study in memory that holds what was told.

That a draw depends on the search's seed, its own number and the trials of earlier generations alone makes it the same
after an interruption and with any number of workers.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from econ_ae.app.explore.records import State, Trial
from econ_ae.config.explore import ExploreConfig
from econ_ae.config.space import VariableSection, label

if TYPE_CHECKING:
    import optuna

_WORST = 1e9
"""Of what was refused: samplers compare it by its constraints alone, but want a number."""


def distributions(search: ExploreConfig) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return every variable as Optuna draws it: choices among numbers by their place, so that neighbours are near."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a step does not lead to the end of a range, see VariableSection.extremes
        return {name: _distribution(one) for name, one in search.space.variables.items()}


def _distribution(one: VariableSection) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.choices is not None:
        if _numbers(one.choices):
            return IntDistribution(0, len(one.choices) - 1)
        return CategoricalDistribution([label(choice) for choice in one.choices])
    low, high = one.ends
    if one.whole:
        return IntDistribution(int(low), int(high), step=int(one.step or 1), log=one.log)
    return FloatDistribution(low, high, step=one.step, log=one.log)


def _numbers(choices: Sequence[Any]) -> bool:
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in choices)


def values_of(search: ExploreConfig, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all variables that drawn parameters stand for."""
    found: dict[str, Any] = {}
    for name, one in search.space.variables.items():
        drawn = parameters[name]
        if one.choices is not None:
            at = drawn if _numbers(one.choices) else [label(choice) for choice in one.choices].index(drawn)
            found[name] = one.choices[at]
        else:
            found[name] = int(drawn) if one.whole else drawn
    return found


def parameters_of(search: ExploreConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what would have to be drawn for values of all variables; the other way round than ``values_of``."""
    found: dict[str, Any] = {}
    for name, one in search.space.variables.items():
        found[name] = values[name]
        if one.choices is not None:
            at = [label(choice) for choice in one.choices].index(label(values[name]))
            found[name] = at if _numbers(one.choices) else label(values[name])
    return found


class Asker:
    """Draws the points of one generation.

    Parameters
    ----------
    trials : all so far, by number; those that are not told yet are of this generation
    """

    def __init__(self, search: ExploreConfig, trials: Sequence[Trial]) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._search, self._distributions = search, distributions(search)
        directions = list(search.objectives.values())
        self._study = optuna.create_study(
            directions=["minimize" if one == "minimise" else "maximize" for one in directions]
        )
        self._study.add_trials([self._frozen(one) for one in trials])
        self._choose_parents()

    def ask(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the parameters of the next number, and what the sampler keeps of it.

        The first numbers are the points that the search starts with, all others are drawn.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on experimental parts of Optuna, about which a user can do nothing
            given = number < len(self._search.start)
            self._study.sampler = self._given(number) if given else self._sampler(number)
            trial = self._study.ask(fixed_distributions=self._distributions)
        assert trial.number == number
        found = self._study.get_trials(deepcopy=False)[number]
        return dict(found.params), dict(found.system_attrs)

    def _choose_parents(self) -> None:
        """Choose the parents of all generations of a genetic sampler before the first draw.

        Optuna gives them to the first draw by their rank and to all others by their number: the first draw after an
        interruption would be another one.
        """
        from optuna.samplers import NSGAIISampler

        sampler = self._sampler(0)
        if not isinstance(sampler, NSGAIISampler):
            return
        last = max((sampler.get_trial_generation(self._study, one) for one in self._study.trials), default=0)
        for generation in range(1, last + 2):
            sampler.get_parent_population(self._study, generation)

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        from optuna import samplers

        budget = self._search.budget
        seed = int(np.random.SeedSequence([budget.seed, number]).generate_state(1)[0])
        if budget.sampler == "tpe":
            return samplers.TPESampler(seed=seed, n_startup_trials=budget.generation)
        if budget.sampler == "random":
            return samplers.RandomSampler(seed=seed)
        return samplers.NSGAIISampler(population_size=budget.generation, seed=seed)

    def _given(self, number: int) -> optuna.samplers.BaseSampler:
        """Return the sampler of a number with everything fixed: the point counts among the parents as any other."""
        from optuna.samplers import PartialFixedSampler

        return PartialFixedSampler(parameters_of(self._search, self._search.start[number]), self._sampler(number))

    def _frozen(self, trial: Trial) -> optuna.trial.FrozenTrial:
        from optuna.trial import TrialState, create_trial

        state, values, constraints = told(self._search, trial)
        found: optuna.trial.FrozenTrial = create_trial(
            state=TrialState[state],
            values=values,
            params=dict(trial.parameters),
            distributions=self._distributions,
            system_attrs=dict(trial.system),
            constraints=constraints,
        )
        return found


def told(search: ExploreConfig, trial: Trial) -> tuple[str, list[float] | None, dict[str, float] | None]:
    """Return what a sampler is told of a trial: its state by Optuna's name, its values, its constraints.

    What failed and what repeats another point teaches nothing.
    """
    if trial.state == State.ASKED:
        return "RUNNING", None, None
    if trial.state in {State.FAILED, State.REPEATED}:
        return "FAIL", None, None
    figures = [trial.figure(name) for name in search.objectives]
    worst = [_WORST if one == "minimise" else -_WORST for one in search.objectives.values()]
    values = [bad if value is None else value for value, bad in zip(figures, worst, strict=True)]
    return "COMPLETE", values, dict(trial.excess) or None
