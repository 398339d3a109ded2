"""The Models page on a real engine, a real model registry and simulated recordings."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialogButtonBox, QPushButton
from pytestqt.qtbot import QtBot

from pumpwatch_gui.acquire.simulator import FaultSpec, Plant, write_history
from pumpwatch_gui.domain.events import Event, FeedbackGiven, OrderDone
from pumpwatch_gui.domain.feedback import FeedbackVerdict
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.gui.models.page import ModelsPage
from pumpwatch_gui.gui.models.preview_dialog import PreviewDialog
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.infer.bundles.threshold_factor import with_threshold_factor
from pumpwatch_gui.settings.simulated import site_text
from tests.gui.parts import page_of
from tests.gui.real_station import Running, running

PUMP = "P-101"


class Bench:
    """The Models page of a running engine whose links lead nowhere."""

    def __init__(self, parts: Running, qtbot: QtBot) -> None:
        self.parts, self.window, self.qtbot = parts, parts.window, qtbot
        self.home = Home(parts.folder)
        self.events: list[Event] = []
        self._subscription = parts.engine.subscribe(self.events.append)
        self.window.open_page("models", PUMP)
        self.page = page_of(self.window, ModelsPage)
        self.wait(lambda: self.page.models.rows)

    def end(self) -> None:
        self._subscription.close()

    def wait(self, condition: Callable[[], object], within_ms: int = 20_000) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=within_ms)

    @property
    def registry(self) -> ModelRegistry:
        """What is stored now."""
        return ModelRegistry(self.home.models)

    def stored(self, folder: Path, factor: float) -> str:
        """Another version of the shipped model in the registry of the pump."""
        with_threshold_factor(shipped("models") / "centrifugal", folder, factor)
        version = self.registry.add(PUMP, folder)
        self.page.reload(version)
        self.wait(lambda: self.page.version == version)
        return version

    def order(self, button: QPushButton) -> OrderDone:
        count = len(self.done)
        assert button.isEnabled()
        button.click()
        self.wait(lambda: len(self.done) > count)
        return self.done[-1]

    @property
    def done(self) -> list[OrderDone]:
        return [e for e in self.events if isinstance(e, OrderDone)]


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "home"
    folder.mkdir()
    with running(folder, site_text(1, 2, period_s=1.0)) as parts:
        made = Bench(parts, qtbot)
        yield made
        made.end()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three quarters of an hour of one pump that begins to cavitate after thirty minutes."""
    path = tmp_path_factory.mktemp("recording") / "rest.csv"
    plant = Plant(1, seed=3, faults=(FaultSpec.parse(f"{PUMP}=cavitation@1800:0.8"),))
    write_history(plant, days=0.75 / 24, path=path)
    return path


def test_the_site_files_model_is_first_with_its_card(bench: Bench) -> None:
    row = bench.page.models.rows[0]
    assert (row.version, row.state) == ("", "site file, active, made from simulated pumps")
    assert "Model centrifugal" in bench.page.card.toPlainText()
    assert "centrifugal" in bench.page.active.text()
    assert not bench.page.promote_button.isEnabled()
    assert not bench.page.back_button.isEnabled()


def test_a_stored_model_runs_in_shadow_is_promoted_and_rolled_back(bench: Bench, tmp_path: Path) -> None:
    version = bench.stored(tmp_path / "other", 1.5)
    assert bench.order(bench.page.shadow_button).ok
    bench.wait(lambda: bench.page.stop_button.isEnabled())
    bench.page._last_s = 0.0
    bench.window.refresh()
    assert version in bench.page.shadow.text()
    done = bench.order(bench.page.promote_button)
    assert (done.command, done.ok) == ("promote", True)
    bench.wait(lambda: version in bench.page.active.text())
    assert version in bench.page.said.text()
    assert not bench.page.stop_button.isEnabled()
    assert bench.order(bench.page.back_button).text == "Rolled back to model centrifugal"
    bench.wait(lambda: "centrifugal" in bench.page.active.text())


def test_an_altered_model_is_refused_with_its_reason(bench: Bench, tmp_path: Path) -> None:
    version = bench.stored(tmp_path / "other", 1.4)
    manifest = bench.home.models / PUMP / version / "manifest.json"
    content = json.loads(manifest.read_text("utf-8"))
    content["detector"]["limits"]["limit"] *= 2
    manifest.write_text(json.dumps(content), "utf-8")
    bench.page.reload(version)
    bench.wait(lambda: any(row.state == "altered, refused" for row in bench.page.models.rows))
    assert "altered" in bench.page.card.toPlainText()
    for button in (bench.page.shadow_button, bench.page.promote_button, bench.page.export_button):
        assert not button.isEnabled()


def test_a_model_is_exported_whole_with_its_card(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    bench.page.export(tmp_path / "out")
    bench.wait(lambda: "Copied to" in bench.page.said.text())
    (copy,) = (tmp_path / "out").iterdir()
    assert (copy / "card.md").read_text("utf-8").startswith("# Model centrifugal")


def test_too_short_data_is_reported_and_refused_unless_forced(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    write_history(Plant(1, seed=1), days=10 / 1440, path=path)
    train = bench.page.train
    train.chooser.use_files([path])
    assert not train.train_button.isEnabled()
    train.check()
    bench.wait(lambda: train.checked is not None)
    assert "25 min are needed" in " ".join(f.text for f in train.findings.rows)
    assert not train.train_button.isEnabled()
    train.short.setChecked(True)
    assert train.train_button.isEnabled()


def test_data_that_cannot_be_read_is_reported_in_words(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("time;what\n1;2\n", "utf-8")
    bench.page.train.chooser.use_files([path])
    bench.page.train.check()
    bench.wait(lambda: bench.page.train.check_button.isEnabled())
    assert "wrong.csv" in bench.page.train.summary.text()


def test_a_recording_is_previewed_as_it_is_read_and_the_choices_are_kept(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "office.csv"
    rows = "".join(f"04/05/2026 00:{i // 60:02d}:{i % 60:02d};1.480,{i % 10};4,{i % 10}\n" for i in range(600))
    path.write_text("Export\nDate and time;Motor RPM;Oil pressure [bar]\n" + rows, "cp1252")
    train = bench.page.train
    train.chooser.use_files([path])
    assert train.chooser.preview_button.isVisibleTo(train)
    train.chooser.preview_button.click()
    (dialog,) = train.findChildren(PreviewDialog)
    use = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    bench.wait(lambda: "day and month cannot be told apart" in dialog.said.text())
    assert not use.isEnabled()
    assert dialog.rows.rows == []
    dialog.fields.date_order.setCurrentIndex(dialog.fields.date_order.findData("dmy"))
    dialog.fields.timezone.setText("Europe/Berlin")
    dialog.read()
    bench.wait(lambda: dialog.rows.rows)
    assert dialog.rows.rows[1][:2] == ("2026-05-03  22:00:01.000", "1480.1")
    assert "semicolon between cells, decimal comma, header in line 2" in dialog.said.text()
    assert "no column for bearing_temperature_c, vibration_mm_s" in dialog.remarks.text()
    use.click()
    assert train.chooser.choices == FormatChoices(date_order="dmy", timezone="Europe/Berlin")
    train.check()
    bench.wait(lambda: train.checked is not None)
    assert "600 rows" in train.summary.text()
    assert any("read as UTF-8, semicolon" in finding.text for finding in train.findings.rows)


def test_a_span_in_which_nothing_was_recorded_is_reported_in_words(bench: Bench) -> None:
    train = bench.page.train
    train.chooser.end.setDateTime(train.chooser.start.dateTime().addSecs(60))
    train.check()
    bench.wait(lambda: "no reading of P-101" in train.summary.text())
    assert not train.train_button.isEnabled()


def test_a_back_test_shows_what_each_threshold_factor_would_have_done_and_takes_feedback(
    bench: Bench, recording: Path
) -> None:
    panel = bench.page.back_test
    panel.chooser.use_files([recording])
    panel.run()
    bench.wait(lambda: panel.outcome is not None, within_ms=60_000)
    assert len(panel.episodes.rows) >= 1
    assert len(panel.rows.rows) >= 5
    panel.slider.setValue(0)
    assert panel.meaning.text().startswith("1: ")
    panel.episode_view.selectRow(0)
    bench.wait(lambda: panel.trend.curves)
    panel.note.setText("heard it myself")
    panel.give(FeedbackVerdict.TRUE)
    bench.wait(lambda: any(isinstance(e, FeedbackGiven) for e in bench.events))
    feedback = panel.episodes.rows[0].feedback
    assert feedback is not None
    assert feedback.note == "heard it myself"
    bench.wait(lambda: bench.parts.engine.history.feedback(PUMP))
    panel.run()
    bench.wait(lambda: panel.outcome is not None, within_ms=60_000)
    assert panel.outcome is not None
    assert panel.outcome.now.known == panel.outcome.now.caught == 1
    assert "1 of 1 known faults found" in panel.meaning.text()


def test_a_back_test_can_be_cancelled(bench: Bench, recording: Path) -> None:
    panel = bench.page.back_test
    panel.chooser.use_files([recording])
    panel.run()
    panel.cancel_button.click()
    bench.wait(lambda: panel.run_button.isEnabled(), within_ms=60_000)
    assert panel.outcome is None
    assert "cancelled" in panel.said.text()


def test_another_threshold_factor_makes_and_promotes_a_version_of_its_own(bench: Bench, recording: Path) -> None:
    panel = bench.page.back_test
    panel.chooser.use_files([recording])
    panel.run()
    bench.wait(lambda: panel.outcome is not None, within_ms=60_000)
    panel.slider.setValue(len(panel.rows.rows) - 1)
    done = bench.order(panel.use_button)
    assert done.ok
    bench.wait(lambda: any(row.version and "active" in row.state for row in bench.page.models.rows))


def test_a_training_that_cannot_be_done_is_reported_and_leaves_nothing(
    bench: Bench, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(recording.parent))
    (recording.parent / "sitecustomize.py").write_text("raise SystemExit('no interpreter for you')", "utf-8")
    train = bench.page.train
    train.chooser.use_files([recording])
    train.check()
    bench.wait(lambda: train.checked is not None)
    train.train()
    bench.wait(lambda: train.training is not None and not train.is_training and train.outcome.text())
    (recording.parent / "sitecustomize.py").unlink()
    bench.wait(lambda: "no interpreter" in train.outcome.text())
    assert bench.registry.models(PUMP) == []
    assert train.training is not None
    assert not train.training.scratch.exists()


@pytest.mark.train
def test_a_model_is_trained_from_the_page_and_is_stored(bench: Bench, recording: Path) -> None:
    train = bench.page.train
    train.chooser.use_files([recording])
    train.kind.setCurrentText("chart")
    train.keep_all.setChecked(True)  # a third of this short recording is beyond its limits, and would be left out
    train.check()
    bench.wait(lambda: train.checked is not None)
    with bench.qtbot.waitSignal(train.stored, timeout=120_000):
        train.train()
    assert "is stored" in train.outcome.text()
    bench.wait(lambda: len(bench.page.models.rows) == 2)
    assert bench.page.version == bench.page.models.rows[1].version


@pytest.mark.train
def test_a_training_can_be_cancelled_and_leaves_nothing(bench: Bench, recording: Path) -> None:
    train = bench.page.train
    train.chooser.use_files([recording])
    train.check()
    bench.wait(lambda: train.checked is not None)
    train.train()
    bench.wait(lambda: train.is_training)
    train.cancel_button.click()
    bench.wait(lambda: "Cancelled" in train.outcome.text())
    assert bench.registry.models(PUMP) == []
