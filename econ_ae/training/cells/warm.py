"""What a training of an encoder of cells starts from, where it does not start anew: rule, table and network of another.

Of an encoder of cells only the rule, limits of the classes and biases, is in the chip; table and network are the
receiver's. A retraining keeps the table, which the network corrects.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae.config import TrainingConfig
from econ_ae.data.module_conditions import Conditions
from econ_ae.errors import ConfigError
from econ_ae.training.cells import table
from econ_ae.training.cells.judged import Validated
from econ_ae.training.cells.rule import Rule
from econ_ae.training.kept import load_weights, save_weights, weights_path
from econ_ae.training.start import START

RULE = "rule.json"
LEARNED = "learned.json"
DECODER = "decoder"
PARTS = (RULE, table.FILE, f"{DECODER}.weights.h5")
"""Files of a training directory that a retraining starts from."""


@dataclass(frozen=True)
class Start:
    """What is there to start from.

    Parameters
    ----------
    folder : where it is
    trains : ``all``, ``encoder`` (the rule alone) or ``decoder`` (the network alone)
    rule : the rule; None where the encoder begins anew
    network : whether the network goes on from weights
    """

    folder: Path
    trains: str
    rule: Rule | None
    network: bool

    @classmethod
    def of(cls, directory: Path, config: TrainingConfig) -> Start:
        """Return what a training directory starts from.

        Raises
        ------
        ConfigError
            When only a part is to be trained and there is nothing to start from, or the part is one of layers.
        """
        folder = directory / START
        rule = Rule.load(folder / RULE) if (folder / RULE).is_file() else None
        network = weights_path(folder, DECODER).is_file()
        if config.trains == "dense":
            raise ConfigError(
                "training.trains is 'dense', but an encoder of cells has no layers; expected all, encoder (the choice "
                "of the mode) or decoder"
            )
        if config.trains != "all" and not network:
            raise ConfigError(
                f"training.trains is {config.trains!r}, but there are no weights to start from; it is for: econ-ae "
                "retrain"
            )
        return cls(folder, config.trains, rule, network)

    @property
    def given(self) -> Rule | None:
        """The rule that stays as it is; None where one is learned."""
        return self.rule if not self.network or self.trains == "decoder" else None

    @property
    def before(self) -> Rule | None:
        """A rule from which the search begins."""
        return self.rule if self.network else None

    @property
    def holds_network(self) -> bool:
        """Whether the network stays as it is."""
        return self.trains == "encoder"

    def load(self, network: Any, conditions: Conditions) -> None:
        """Give a network the weights that it starts from, if any; RunDirectoryError as ``load_weights``."""
        if self.network:
            load_weights(self.folder, network, conditions=conditions)

    def give_table(self, directory: Path) -> None:
        """Give the training directory the table that stays, where there is one."""
        source, target = self.folder / table.FILE, directory / table.FILE
        if source.is_file() and not target.is_file():
            unfinished = directory / f"writing-{table.FILE}"
            shutil.copyfile(source, unfinished)
            unfinished.replace(target)

    def is_better(
        self, directory: Path, network: Any, conditions: Conditions, begun: Callable[[], Validated], trained: Validated
    ) -> Validated | None:
        """Keep the weights of the start where they validate no worse than the trained ones, and return how they do.

        Parameters
        ----------
        begun : validation of the network with the rule that goes with the start
        trained : validation of the weights that the network has
        """
        if not self.network or self.holds_network:
            return None
        weights = network.get_weights()
        self.load(network, conditions)
        found = begun()
        if found.cost > trained.cost:
            network.set_weights(weights)
            return None
        save_weights(directory, network, conditions=conditions)
        return found
