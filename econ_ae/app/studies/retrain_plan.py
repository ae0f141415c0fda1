"""What a retraining changes: conditions, images, epochs, parts; and the configuration that says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from econ_ae.app.cells import sends_cells
from econ_ae.config import ConditionsConfig, RunConfig, changed, parse
from econ_ae.data import conditions
from econ_ae.errors import ConfigError

_EPOCHS_SHARE = 5  # by default a fifth of the run's epochs


@dataclass(frozen=True)
class Plan:
    """What is retrained and how.

    Parameters
    ----------
    conditions : what is different now
    epochs : of the retraining; None takes a fifth of the run's
    learning_rate : at its start; None takes a quarter of the run's
    trains : ``all``, ``encoder``, ``dense`` (the encoder's dense layers and the decoder) or ``decoder``
    source : a file whose rows train, validate and are reported, by the run's settings; None takes the run's own rows
    whole : ``before`` is verified on its new images too, and both run directories get reports
    rows : most images of every set, evenly taken, where the run's rows are in memory; None takes all
    """

    conditions: ConditionsConfig
    epochs: int | None = None
    learning_rate: float | None = None
    trains: str = "all"
    source: str | None = None
    whole: bool = True
    rows: int | None = None

    @property
    def stages_before(self) -> tuple[str, ...]:
        """What is done with the old weights; the hardware stays as it is, and so do its costs."""
        return ("freeze", "generate", "verify", "report") if self.whole else ("freeze",)

    @property
    def stages_after(self) -> tuple[str, ...]:
        """What is done with the new weights."""
        return ("train", "freeze", "generate", "verify", *(("report",) if self.whole else ()))

    def told(self) -> list[str]:
        """Return what is different now, in words."""
        new = [f"images of {Path(self.source).name}"] if self.source else []
        return [*new, *conditions.describe(self.conditions)]

    def before(self, old: RunConfig) -> RunConfig:
        """Return the run's configuration on the new images."""
        config = old.model_copy(update={"conditions": self.conditions})
        return changed(config, "options", data={"source": self.source}) if self.source else config

    def config(self, old: RunConfig) -> RunConfig:
        """Return the configuration of the retraining.

        Raises
        ------
        ConfigError
            When the encoder has no part that is to be trained.
        """
        training = old.training
        if sends_cells(old) and self.trains == "dense":
            raise ConfigError("--only dense: an encoder of cells has no layers; expected all, encoder or decoder")
        epochs = self.epochs or max(1, training.epochs // _EPOCHS_SHARE)
        rate = self.learning_rate or training.learning_rate / 4
        pruned = training.prune.weights if training.prune else None
        settings = self.before(old).model_dump(mode="json")
        settings["encoder"] = old.on_chip.model_dump(mode="json")
        if sends_cells(old):
            epochs = 1 if self.trains == "encoder" else epochs  # the network stays: one pass that measures it
            settings["cells"]["refits"] = 0  # the rule is learned anew at the start, and once more at the end
        settings["training"] |= {
            "epochs": epochs,
            "patience": epochs,
            "warmup": min(training.warmup, epochs // 10),
            "learning_rate": rate,
            "final_learning_rate": rate * training.final_learning_rate / training.learning_rate,
            "trains": self.trains,
            "seeds": 1,
            # Clusters are made of whole events, not of some of their modules.
            "select": "emd" if self.rows else training.select,
            "distill": None,
            # What was removed stays away: filters and outputs by the encoder's shape, weights from the first epoch on.
            "prune": {"weights": pruned, "start": 0.0, "end": 1e-6} if pruned else None,
        }
        return parse(settings, "retraining")
