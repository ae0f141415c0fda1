"""Events that an encoder was trained on count for the algorithms alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pytest

from econ_ae.app.physics import algorithms, clusters, run
from econ_ae.app.physics.encoders import Encoders
from econ_ae.app.physics.run import Plan
from econ_ae.app.physics.sample import Sample, electrons, elinks_by_layer
from econ_ae.data.whole_events import WholeEvents
from econ_ae.progress import Progress, Silent
from metrics.trigger import match
from metrics.trigger.electrons import ALL_CELLS
from metrics.trigger.real import LEAST_PAIR_PT
from metrics.trigger.results import REAL, UNSEEN


@dataclass
class _Knowing:
    """An encoder that sends best choice, and was trained on some events of a file."""

    known: set[int]
    name: str = "ours"
    asked: list[str] = field(default_factory=list)

    def saw(self, sha256: str) -> set[int]:
        self.asked.append(sha256)
        return self.known

    def elinks_of(self, images: WholeEvents) -> None:
        assert len(images)

    def check(self, elinks: list[int]) -> None:
        assert elinks

    def received(self, sample: Sample, progress: Progress) -> algorithms.Charges:
        return algorithms.received("bc", sample, progress)


@pytest.fixture(scope="module")
def images() -> WholeEvents:
    """Forty generated events as those of a file."""
    made = electrons(40, 1, Silent())
    return replace(made, batch=replace(made.batch, provenance=replace(made.batch.provenance, sha256="f" * 64)))


def measured(images: WholeEvents, known: set[int]) -> tuple[dict[str, Any], dict[str, Any], _Knowing]:
    encoder = _Knowing(known)
    facts: dict[str, Any] = {}
    plan = Plan(names=("all", "bc"))
    found = run._real(images, plan, [cast("Encoders", encoder)], Silent(), facts)
    return {one.name: one for one in found}, facts, encoder


def pairs(images: WholeEvents) -> set[int]:
    """Return the events with two electrons of at least 15 GeV."""
    sample = Sample(images, elinks_by_layer(images))
    seen, _ = clusters.see(sample, {ALL_CELLS: images.batch.charges.astype(np.float32)}, Silent())
    targets = match.pairs(seen[ALL_CELLS].clusters, len(images.events), LEAST_PAIR_PT)
    return set(images.events[targets.event].tolist())


def test_an_encoder_is_judged_on_events_that_it_does_not_know(images: WholeEvents) -> None:
    used = sorted(pairs(images))
    known = set(used[::2])
    results, facts, encoder = measured(images, known)
    assert encoder.asked == ["f" * 64]
    assert set(results) == {REAL, UNSEEN}
    assert facts["real: events that no encoder was trained on"] == 40 - len(known)
    assert set(results[REAL].algorithms) == {"all", "bc"}
    assert set(results[UNSEEN].algorithms) == {"all", "bc", "ours"}
    assert results[REAL].what[0].startswith(f"{len(used)} of 40 events have two electrons")
    left = len(used) - len(known)
    assert results[UNSEEN].what[0].startswith(f"{left} of {40 - len(known)} events have two electrons")
    # What the encoder sends is best choice: equal on the same events, and other events give another figure.
    row = results[UNSEEN].row("response_rms")
    assert row is not None
    assert row.values["ours"] == row.values["bc"]
    every = results[REAL].row("response_rms")
    assert every is not None
    assert every.values["bc"] != row.values["bc"]


def test_an_encoder_that_knows_none_of_them_is_judged_on_all(images: WholeEvents) -> None:
    results, facts, _ = measured(images, set())
    assert set(results) == {REAL}
    assert set(results[REAL].algorithms) == {"all", "bc", "ours"}
    assert "real: events that no encoder was trained on" not in facts


def test_with_every_pair_known_no_encoder_is_judged(images: WholeEvents) -> None:
    results, _, encoder = measured(images, pairs(images))
    assert set(results) == {REAL}
    assert set(results[REAL].algorithms) == {"all", "bc"}
    told = run._left_out([cast("Encoders", encoder)], list(results.values()), "events.npz")
    assert told.startswith("No encoder is measured on events.npz: one of them, or its decoder, was trained or chosen")
    known = measured(images, set(sorted(pairs(images))[::2]))[0]
    assert run._left_out([cast("Encoders", encoder)], list(known.values()), "events.npz") == ""
