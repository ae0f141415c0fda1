"""The figure by which a training can choose: 0 for what sends everything, a factor is free, lost clusters cost."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.data.readers.event_images import calibrated
from econ_ae.data.synthetic.endcaps import EndcapParameters, Gun, generate
from econ_ae.data.whole_events import WholeEvents, of_rows
from econ_ae.errors import DataError
from metrics.trigger.cells import Places
from metrics.trigger.clusters import find_clusters
from metrics.trigger.kept import HARDEST, KeptClusters, spread


@pytest.fixture(scope="module")
def events() -> WholeEvents:
    """Five events with two electrons and two pions, no pileup."""
    return generate(5, 3, EndcapParameters(Gun(("electron", "pion"), 20.0, 60.0, 1.7, 2.6)))


def test_all_cells_cost_exactly_nothing_in_counts_and_in_calq(events: WholeEvents) -> None:
    charges = events.batch.charges
    assert KeptClusters(events, charges)(charges) == 0.0
    made = calibrated(events.batch, events.x_cm, events.y_cm, events.z_cm, events.geometry)
    images, per_charge = of_rows(made, transverse=True)
    kept = KeptClusters(images, made.charges, per_charge)
    assert kept(made.charges) == 0.0
    found, whole = kept.clusters(made.charges), KeptClusters(events, charges).clusters(charges)
    assert len(found) == pytest.approx(len(whole), rel=0.1)
    hard = np.sort(whole.pt)[-8:]
    np.testing.assert_allclose(np.sort(found.pt)[-8:], hard, rtol=0.01)  # charge is cut to CALQ, the gain to 12 bits


def test_rows_of_a_run_are_whole_events_again(events: WholeEvents) -> None:
    images, per_charge = of_rows(events.batch, transverse=False)
    assert per_charge is None
    np.testing.assert_allclose(images.z_cm, events.z_cm, rtol=1e-5)
    np.testing.assert_array_equal(images.gev_per_count, events.gev_per_count)
    some = {name: values for name, values in events.batch.metadata.items() if name != "thickness"}
    with pytest.raises(DataError, match=r"have no column 'thickness'; expected those of whole events"):
        of_rows(type(events.batch)(events.batch.charges, events.batch.provenance, some), transverse=False)


def test_responses_are_those_of_clusters_made_at_once(events: WholeEvents) -> None:
    """Events are clustered two at a time; sides must not get mixed up."""
    charges = events.batch.charges
    kept = KeptClusters(events, charges)
    places = Places(events, events.events)
    whole = find_clusters(places.cells(charges), 2 * len(events.events))
    assert kept.whole.sum() == pytest.approx(
        sum(np.sort(whole.pt[whole.side == side])[-HARDEST:].sum() for side in np.unique(whole.side)), rel=1e-12
    )
    without = np.where((events.event == events.events[3])[:, None], 0, charges)
    response = kept.response(kept.clusters(without))
    lost = kept.targets.event == 3
    assert (response[lost] == 0).all()
    assert (response[~lost] == 1).all()


def test_a_common_factor_is_free_what_differs_costs() -> None:
    rng = np.random.default_rng(1)
    response = rng.normal(0.9, 0.1, 400)
    assert spread(np.full(7, 0.5)) == 0.0
    assert spread(0.3 * response) == pytest.approx(spread(response), rel=1e-12)
    lost = response.copy()
    lost[:40] = 0.0
    assert spread(lost) > 2 * spread(response)
    most = np.zeros(9)
    most[0] = 1.0
    assert spread(most) < spread(np.zeros(9)) == 3.0


def test_smeared_images_keep_less(events: WholeEvents) -> None:
    charges = events.batch.charges.astype(np.float64)
    kept = KeptClusters(events, charges)
    mean = charges.sum(axis=1, keepdims=True) / charges.shape[1] * np.ones(charges.shape[1])
    found = [kept((1 - share) * charges + share * mean) for share in (0.0, 0.3, 1.0)]
    assert found == sorted(found)
    assert found[2] > found[1] > 0
