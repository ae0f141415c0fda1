"""The storage of a search: every trial, written before its work begins and again when it is told, in Optuna's tables.

Anything that reads Optuna's storages reads it too: SQLite in the search's directory, or a PostgreSQL by its URL. A
trial is created in one transaction, so that it is there with all its parameters or not at all.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from econ_ae.app.explore.asking import distributions, told
from econ_ae.app.explore.records import Trial
from econ_ae.config.explore import ExploreConfig
from econ_ae.errors import RunDirectoryError, ToolError

VERSION = 1
"""Of what is kept of a trial."""
FILE = "study.db"
PATIENCE = 300.0
"""Seconds in which a database may come back."""
_OWN, _TRIAL = "econ_ae", "trial"
_PAUSE = 2.0
_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


def url_of(path: Path) -> str:
    """Return the URL of the storage inside the directory of a search."""
    return f"sqlite:///{path.resolve() / FILE}"


class Log:
    """The trials of one search in a storage.

    Parameters
    ----------
    url : of SQLAlchemy
    mode : ``new`` begins a search that must not be there, ``attach`` continues one or begins it, ``replace`` removes
        one of this name that was there
    patience : seconds in which a lost database may come back

    Raises
    ------
    RunDirectoryError
        When the storage holds another search of this name, one of an older version, or one that must
        not be continued.
    ToolError
        When it cannot be reached, or is no storage of this version of Optuna.
    """

    def __init__(self, url: str, search: ExploreConfig, *, mode: str, patience: float = PATIENCE) -> None:
        self._search, self._patience, self._shown = search, patience, shown(url)
        self._distributions = distributions(search)
        self._storage = self._opened(url)
        self._study = self._find(mode)

    def _opened(self, url: str) -> Any:
        import optuna
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if url.partition("?")[0] in {"sqlite://", "sqlite:///", "sqlite:///:memory:"}:
            raise ToolError(f"--storage {url} is in memory, which ends with this process; give a file or a database")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
        except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as problem:
            raise ToolError(
                f"--storage {self._shown}: {_first(problem)}; expected for example postgresql+psycopg://USER@HOST/NAME"
            ) from problem
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as problem:
            raise ToolError(f"the storage {self._shown} cannot be reached: {_first(problem)}") from problem
        except RuntimeError as problem:  # its tables are those of another version of Optuna
            raise ToolError(
                f"the storage {self._shown} was made by another version of Optuna: {_first(problem)}; "
                f"upgrade it with: optuna storage upgrade --storage {self._shown}, or give another --storage"
            ) from problem

    def _find(self, mode: str) -> int:
        from optuna.exceptions import DuplicatedStudyError
        from optuna.study import StudyDirection

        name, own = self._search.name, {"version": VERSION, "identity": self._search.identity}
        there = {one.study_name: one._study_id for one in self._tried(self._storage.get_all_studies)}
        if name in there and mode == "replace":
            at = there.pop(name)
            self._tried(lambda: self._storage.delete_study(at))
        if name not in there:
            way = {"minimise": StudyDirection.MINIMIZE, "maximise": StudyDirection.MAXIMIZE}
            try:
                made = self._storage.create_new_study([way[one] for one in self._search.objectives.values()], name)
            except DuplicatedStudyError as problem:
                raise RunDirectoryError(f"search {name!r} was begun by another process just now") from problem
            self._storage.set_study_user_attr(made, _OWN, own)
            return int(made)
        study = int(there[name])
        found = self._tried(lambda: self._storage.get_study_user_attrs(study)).get(_OWN)
        if (
            found is None and mode == "attach" and not self._storage.get_n_trials(study)
        ):  # cut off between its two writes
            self._storage.set_study_user_attr(study, _OWN, own)
            return study
        if not isinstance(found, dict) or "version" not in found:
            raise RunDirectoryError(
                f"the storage {self._shown} holds a study {name!r} that econ-ae explore did not make; give another "
                "--storage, or the search another name"
            )
        if found["version"] != VERSION:
            raise RunDirectoryError(
                f"the storage {self._shown} holds search {name!r} in version {found['version']}, this econ-ae writes "
                f"version {VERSION}; continue it with the econ-ae that made it, or give another --storage"
            )
        if found.get("identity") != self._search.identity:
            raise RunDirectoryError(
                f"the storage {self._shown} holds another search of the name {name!r} (other space, data or budget); "
                "give another --storage, or the search another name"
            )
        if mode == "new":
            raise RunDirectoryError(
                f"the storage {self._shown} holds this search already; continue it with --resume, replace it with "
                "--overwrite, or give another --storage"
            )
        return study

    def trials(self) -> list[Trial]:
        """Return all trials in the order of their numbers; RunDirectoryError when one cannot be read."""
        frozen = self._tried(lambda: self._storage.get_all_trials(self._study, deepcopy=False))
        return [
            replace(
                Trial.from_json(one.user_attrs.get(_TRIAL, ""), f"the storage {self._shown}"),
                told=one.state.is_finished(),
            )
            for one in sorted(frozen, key=lambda one: one.number)
        ]

    def add(self, trial: Trial) -> None:
        """Write a trial that was drawn, once."""
        import optuna

        frozen = optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=dict(trial.parameters),
            distributions=self._distributions,
            user_attrs={_TRIAL: trial.to_json()},
            system_attrs=dict(trial.system),
        )

        def write() -> None:
            if self._storage.get_n_trials(self._study) <= trial.number:  # an answer may have been lost on its way
                self._storage.create_new_trial(self._study, frozen)

        self._tried(write)

    def tell(self, trial: Trial) -> None:
        """Write what became of a trial, once; what is written again is equal."""
        import optuna

        state, values, constraints = told(self._search, trial)
        at = self._tried(lambda: self._storage.get_trial_id_from_study_id_trial_number(self._study, trial.number))

        def write() -> None:
            if self._storage.get_trial(at).state.is_finished():
                return
            self._storage.set_trial_user_attr(at, _TRIAL, trial.to_json())
            for text, excess in (constraints or {}).items():
                self._storage.set_trial_system_attr(at, f"constraints:{text}", excess)  # as Trial.set_constraint
            self._storage.set_trial_state_values(at, optuna.trial.TrialState[state], values)

        self._tried(write)

    def amend(self, summary: dict[str, Any]) -> None:
        """Write what the end of the search says; it may be written again."""
        self._tried(lambda: self._storage.set_study_user_attr(self._study, "end", summary))

    def close(self) -> None:
        """Let go of the database."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _tried(self, action: Callable[[], _T]) -> _T:
        """Do something in the database; wait for one that is away, and try again."""
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import DBAPIError

        end, said = time.monotonic() + self._patience, False
        while True:
            try:
                return action()
            except (StorageInternalError, DBAPIError) as problem:
                if time.monotonic() > end:
                    raise ToolError(
                        f"the storage {self._shown} is away since {self._patience:g} s: {_first(problem)}; "
                        "nothing is lost: continue with --resume when it is back"
                    ) from problem
                if not said:
                    _LOG.warning("the storage %s is away; waiting for it", self._shown)
                    said = True
                self._storage.remove_session()
                time.sleep(min(_PAUSE, self._patience))


def shown(url: str) -> str:
    """Return a URL without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def _first(problem: BaseException) -> str:
    """Return what a database said, without the query and its addresses in documentation."""
    cause = problem.__cause__ or problem
    text = str(getattr(cause, "orig", None) or cause)
    return " ".join(text.split("\n(Background", maxsplit=1)[0].split())[:300]
