"""A model's life in the running station: shadow, promotion, sensitivity, way back, re-baseline, feedback."""

import time
from collections.abc import Callable, Iterator
from math import log
from pathlib import Path

import pytest
from typing_extensions import override

from pumpwatch_gui.domain.commands import (
    GiveFeedback,
    Promote,
    Rebaseline,
    RollBack,
    SetAdaptive,
    SetThresholdFactor,
    StartShadow,
    StopShadow,
)
from pumpwatch_gui.domain.events import FeedbackGiven, Note
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.engine.live_pump import LivePump
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.manifest import read_manifest
from pumpwatch_gui.infer.bundles.threshold_factor import with_threshold_factor
from pumpwatch_gui.store.query.audit_check import verify_audit
from tests.conftest import wait_until
from tests.flow.running import RunningStation, simulated, site_text

PUMP = "P-101"
SHIPPED = shipped("models") / "centrifugal"


class Station(RunningStation):
    """One simulated pump with the shipped model."""

    @property
    def model(self) -> str:
        bundle = self.engine._inference.models.bundles.get(PUMP)
        return bundle.version if bundle else ""

    @property
    def live(self) -> LivePump:
        return self.engine._judging.pumps[PUMP]

    @override
    def start(self) -> "Station":
        """Start every loop and wait for the model, which is loaded a second later."""
        super().start()
        wait_until(lambda: self.model != "")
        return self


@pytest.fixture
def open_station(tmp_path: Path) -> Iterator[Callable[[], Station]]:
    opened: list[Station] = []
    with simulated() as port:

        def make() -> Station:
            opened.append(Station(Home(tmp_path / "home"), site_text(port, model="centrifugal")))
            return opened[-1]

        yield make
        for station in opened:
            station.end()


def test_a_model_runs_in_shadow_is_promoted_lasts_over_a_restart_and_is_rolled_back(
    open_station: Callable[[], Station], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    station = open_station()
    station.start()
    first = station.model
    with_threshold_factor(SHIPPED, tmp_path / "calm", 1.5)
    second = station.registry.add(PUMP, tmp_path / "calm")
    assert station.order(StartShadow(PUMP, second)).ok
    wait_until(lambda: (s := station.pump().shadow) is not None and s.score_result is not None)
    assert station.pump().shadow.version == second  # type: ignore[union-attr]
    assert station.model == first
    done = station.order(Promote(PUMP, second))
    assert (done.ok, done.actor, done.pump_id, done.command) == (True, "asha", PUMP, "promote")
    assert "as a shadow it scored" in done.text
    assert station.model == second
    assert station.pump().shadow is None
    station.end()
    again = open_station()
    again.start()
    assert again.model == second
    assert again.order(RollBack(PUMP), actor="ravi").ok
    assert again.model == first
    refused = again.order(RollBack(PUMP), actor="ravi")
    assert (refused.ok, refused.actor) == (False, "ravi")
    again.end()
    words = [row.text for row in again.engine.history.journal(JournalQuery(pump_id=PUMP, kinds=("command",)))]
    assert [w.split()[0] for w in reversed(words)] == ["Model", "Model", "Rolled", "P-101"]
    assert verify_audit(again.home.database).broken_id is None


def test_orders_about_a_model_are_done_or_refused_in_words(open_station: Callable[[], Station]) -> None:
    station = open_station()
    station.start()
    first = station.model
    assert station.order(Rebaseline(PUMP)).text == "The present running is the new normal"
    calmer = station.order(SetThresholdFactor(PUMP, 1.5))
    assert calmer.ok
    assert calmer.text.startswith("Threshold factor 1.5: Model ")
    assert station.model != first
    assert station.order(SetAdaptive(PUMP, True)).text == "Adaptive threshold on"
    assert station.registry.state(PUMP).adaptive
    assert station.order(SetAdaptive(PUMP, False)).ok
    for order in (Promote(PUMP, "none such"), StopShadow(PUMP), SetThresholdFactor(PUMP, 99.0)):
        assert not station.order(order).ok
    assert "no pump P-9" in station.order(Rebaseline("P-9")).text


def test_a_promoted_model_that_was_altered_is_not_used_and_the_site_s_is(
    open_station: Callable[[], Station], tmp_path: Path
) -> None:
    station = open_station()
    first = read_manifest(SHIPPED).version
    with_threshold_factor(SHIPPED, tmp_path / "calm", 1.5)
    version = station.registry.add(PUMP, tmp_path / "calm")
    station.registry.promote(PUMP, version, site_model="centrifugal")
    weights = station.registry.bundle(PUMP, version) / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    station.start()
    station.end()
    again = open_station()
    again.start()
    again.end()
    assert again.model == first
    rows = again.engine.history.journal(JournalQuery(pump_id=PUMP, text="The promoted model is not used"))
    assert rows
    assert "altered" in rows[0].text


def test_feedback_is_journalled_and_kept_with_its_episode(
    open_station: Callable[[], Station], wait_until: Callable[..., None]
) -> None:
    station = open_station()
    station.start()
    said = EpisodeFeedback(PUMP, 10**18, 10**18 + 5, FeedbackVerdict.FALSE, "valve was moved")
    assert station.order(GiveFeedback(said)).ok
    assert any(isinstance(e, FeedbackGiven) for e in station.events)
    station.end()
    assert [(f.note, f.by) for f in station.engine.history.feedback(PUMP)] == [("valve was moved", "asha")]
    assert not [e for e in station.events if isinstance(e, Note) and e.severity == "WARNING"]


def test_feedback_counts_for_the_next_likelihood_also_after_a_restart(
    open_station: Callable[[], Station], wait_until: Callable[..., None]
) -> None:
    station = open_station()
    station.start()
    assert station.live.feedback_shift == 0.0
    now_ns = time.time_ns()
    for i, verdict in enumerate((FeedbackVerdict.TRUE, FeedbackVerdict.FALSE, FeedbackVerdict.FALSE)):
        start_ns = now_ns - (i + 1) * 3600 * 10**9
        assert station.order(GiveFeedback(EpisodeFeedback(PUMP, start_ns, start_ns + 10**9, verdict))).ok
    wait_until(lambda: station.live.feedback_shift == pytest.approx(log(2 / 3)))
    # The newest on an episode counts.
    start_ns = now_ns - 3600 * 10**9
    assert station.order(GiveFeedback(EpisodeFeedback(PUMP, start_ns, start_ns, FeedbackVerdict.FALSE))).ok
    wait_until(lambda: station.live.feedback_shift == pytest.approx(log(1 / 4)))
    station.end()
    again = open_station()
    again.start()
    wait_until(lambda: again.live.feedback_shift == pytest.approx(log(1 / 4)))
    again.end()
