"""How much each variable of a search explains, by Optuna's functional analysis of variance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from econ_ae.app.explore.asking import distributions
from econ_ae.app.explore.records import Trial
from econ_ae.config.explore import ExploreConfig

if TYPE_CHECKING:
    import optuna

_FEWEST = 8
"""Trained points below which nothing is said."""
_SEED = 1


def importance(search: ExploreConfig, trials: Sequence[Trial]) -> dict[str, dict[str, float]]:
    """Return the share of the variance that every variable explains (Hutter et al., 2014), by what is explained.

    The EMD is that of the first comparison, at which all trained points had the same training.
    """
    known = [one for one in trials if one.at(0) is not None]
    if len(known) < _FEWEST:
        return {}
    explained: dict[str, Callable[[Trial], float]] = {
        "EMD": lambda one: next(rung.emd for rung in one.rungs if rung.rung == 0),
        "area": lambda one: one.known["area"],
    }
    return {name: _of(search, known, value) for name, value in explained.items()}


def _of(search: ExploreConfig, trials: Sequence[Trial], value: Callable[[Trial], float]) -> dict[str, float]:
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    if len({value(one) for one in trials}) == 1:
        return dict.fromkeys(search.space.variables, 0.0)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kinds = distributions(search)
    study: optuna.Study = optuna.create_study()
    for one in trials:
        study.add_trial(optuna.trial.create_trial(value=value(one), params=dict(one.parameters), distributions=kinds))
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=_SEED))
    return {name: float(found.get(name, 0.0)) for name in search.space.variables}
