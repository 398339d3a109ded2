"""Training as a user does it: a healthy span, its data-quality report, a child process with its loss."""

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from pumpwatch_gui.commissioning.models import models_of
from pumpwatch_gui.commissioning.training_job import JobPhase, JobView, TrainingJob
from pumpwatch_gui.domain.commands import Record
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.files.recording import write_recording
from pumpwatch_gui.gui.look.small_plot import Curve, SmallPlot
from pumpwatch_gui.gui.look.widgets import button, label, set_role
from pumpwatch_gui.gui.models.material import HOUR_S, MaterialChooser, TrainingMaterial
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView
from pumpwatch_gui.infer.evaluation.data_quality import QualityFinding, QualityReport, Severity, quality_report
from pumpwatch_gui.infer.training.normal_running import SENSITIVITY
from pumpwatch_gui.infer.training.trainers import TRAINERS

POLL_MS = 250


class TrainPanel(QWidget):
    """Chooses, checks and trains. `stored` carries the version of a model that came onto the shelf."""

    stored = Signal(str)

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context = context
        self.pump: PumpSettings | None = None
        self.report: QualityReport | None = None
        self.job: TrainingJob | None = None
        self._recordings: list[Recording] = []
        self._material: TrainingMaterial | None = None
        self._scratch: Path | None = None
        self._started_s = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        self.findings: RowsModel[QualityFinding] = RowsModel(_columns())
        self._make_widgets()
        self._lay_out()
        self.destroyed.connect(lambda: _end(self.job))
        self._show_state()

    # ---------------------------------------------------------------- building

    def _make_widgets(self) -> None:
        self.chooser = MaterialChooser(self.context.appearance, "Healthy span")
        self.chooser.changed.connect(self._forget_report)
        self.kind = QComboBox()
        self.kind.addItems(list(TRAINERS))
        self.kind.setAccessibleName("Kind of detector")
        self.sensitivity = QDoubleSpinBox()
        self.sensitivity.setRange(1.0, 2.0)
        self.sensitivity.setSingleStep(0.05)
        self.sensitivity.setValue(SENSITIVITY)
        self.sensitivity.setAccessibleName("Sensitivity, 1.0 tells most")
        self.short = QCheckBox("even if too short")
        self.short.setAccessibleName("Train even on too little data")
        self.short.toggled.connect(lambda _: self._show_state())
        self.check_button = button("Check data", "Look the chosen data over", self.check)
        self.train_button = button("Train", "Train a model on the checked data", self.train)
        self.cancel_button = button("Cancel", "Cancel the training", self.cancel)
        self.summary = label("Check the data first: the report says what a model can be made of.", "dim")
        self.summary.setWordWrap(True)
        widths = {0: 100, 1: 190}
        self.table = TableView(self.context.appearance, self.findings, "Data-quality report", widths=widths, stretch=2)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the training")
        self.progress.setRange(0, 1000)
        self.outcome = label("", "dim")
        self.outcome.setWordWrap(True)
        self.loss = SmallPlot(
            self.context.appearance,
            "Loss of each epoch",
            x_text=lambda x: f"epoch {x:.0f}",
            empty="The loss curve comes here",
        )

    def _lay_out(self) -> None:
        check, options = QHBoxLayout(), QHBoxLayout()
        for row, widgets in (
            (check, (self.check_button, label("Kind"), self.kind)),
            (options, (label("Sensitivity"), self.sensitivity, self.short)),
        ):
            row.setSpacing(8)
            for widget in widgets:
                row.addWidget(widget)
            row.addStretch(1)
        run = QHBoxLayout()
        run.setSpacing(8)
        run.addWidget(self.train_button)
        run.addWidget(self.cancel_button)
        run.addWidget(self.progress, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.chooser)
        column.addLayout(check)
        column.addLayout(options)
        column.addWidget(self.summary)
        column.addWidget(self.table, 3)
        column.addLayout(run)
        column.addWidget(self.outcome)
        column.addWidget(self.loss, 3)

    # ---------------------------------------------------------------- checking

    def show_pump(self, pump: PumpSettings) -> None:
        """Turn to a pump; a training under way goes on for the one it was begun for."""
        if self.pump is None or pump.pump_id != self.pump.pump_id:
            self.pump = pump
            self._forget_report()

    def check(self) -> None:
        """Read the chosen data and look it over, off the GUI thread."""
        if self.pump is None:
            return
        material, station = self.chooser.material(self.pump), self.context.station
        self._say("reading …")
        self.check_button.setEnabled(False)
        self.context.ask(lambda: _looked_over(material, station), self._checked, self._check_failed)

    def _checked(self, answer: tuple[TrainingMaterial, list[Recording], QualityReport]) -> None:
        self.check_button.setEnabled(True)
        self._material, self._recordings, self.report = answer
        report = self.report
        rate = f"every {report.period_s:.3g} s" if report.rows > 1 else "one row"
        self._say(
            f"{report.running_s / HOUR_S:.2f} h of running in {report.duration_s / HOUR_S:.2f} h, "
            f"{report.rows:,} rows, {rate}"
            + ("" if report.is_usable else ". No model is made of this unless it is forced.")
        )
        set_role(self.summary, "strong" if report.is_usable else "warning")
        self.findings.show_rows(report.findings)
        self._show_state()

    def _check_failed(self, error: Exception) -> None:
        self.check_button.setEnabled(True)
        self._say(error_text(error))
        set_role(self.summary, "warning")

    def _forget_report(self) -> None:
        self.report = None
        self.findings.show_rows([])
        self._say("Check the data first: the report says what a model can be made of.")
        self._show_state()

    def _say(self, words: str) -> None:
        set_role(self.summary, "dim")
        self.summary.setText(words)

    # ---------------------------------------------------------------- training

    def train(self) -> None:
        """Begin in a child process; the running station goes on undisturbed."""
        if self.report is None or self.pump is None or self._material is None or self.is_training:
            return
        material, recordings, folder = self._material, self._recordings, self.context.station.site().folder
        options = (self.kind.currentText(), self.short.isChecked(), self.sensitivity.value())
        self._started_s = time.monotonic()
        self.outcome.setText("starting …")
        self.train_button.setEnabled(False)
        self.context.ask(lambda: _begun(material, recordings, options, folder), self._begun, self._begin_failed)

    def _begun(self, answer: tuple[TrainingJob, Path]) -> None:
        self.job, self._scratch = answer
        self._timer.start()
        self.poll()

    def _begin_failed(self, error: Exception) -> None:
        self._show_state()
        self.outcome.setText(error_text(error))

    @property
    def is_training(self) -> bool:
        """Whether a training is under way."""
        return self.job is not None and self.job.poll().phase is JobPhase.RUNNING

    def cancel(self) -> None:
        """End the training; nothing is left behind."""
        _end(self.job)

    def poll(self) -> None:
        """Show how the training stands; at its end take the model onto the shelf."""
        if self.job is None:
            return
        view = self.job.poll()
        self.progress.setValue(round(view.progress * 1000))
        epochs = np.arange(1, len(view.loss) + 1, dtype=np.float64)
        self.loss.show_curves(Curve("loss (mean absolute error)", epochs, np.array(view.loss)))
        self._show_state()
        if view.phase is JobPhase.RUNNING:
            passed_s = time.monotonic() - self._started_s
            self.outcome.setText(f"{passed_s:.0f} s · {view.lines[-1] if view.lines else 'starting …'}")
            return
        self._timer.stop()
        self._finish(view)

    def _finish(self, view: JobView) -> None:
        words = {JobPhase.CANCELLED: "Cancelled: nothing was kept.", JobPhase.FAILED: view.error}
        self.outcome.setText(words.get(view.phase, "Trained."))
        set_role(self.outcome, "warning" if view.phase is JobPhase.FAILED else "dim")
        material, scratch = self._material, self._scratch
        if view.phase is not JobPhase.DONE or material is None:
            _remove(scratch)
            return
        pump_id, registry = material.pump.pump_id, models_of(self.context.home)

        def add() -> tuple[str, TrainingMaterial]:
            try:
                return registry.add(pump_id, view.out), material
            finally:
                _remove(scratch)

        self.context.ask(add, self._added, self._begin_failed)

    def _added(self, answer: tuple[str, TrainingMaterial]) -> None:
        version, material = answer
        text = f"Model {version} trained on {material.words}"
        self.context.order(Record(text, material.pump.pump_id))
        took_s = time.monotonic() - self._started_s
        self.outcome.setText(
            f"Model {version} is on the shelf after {took_s:.0f} s. Back-test it, let it run in shadow."
        )
        self.stored.emit(version)

    def _show_state(self) -> None:
        forced = self.short.isChecked()
        usable = self.report is not None and (self.report.is_usable or forced)
        self.train_button.setEnabled(usable and not self.is_training)
        self.cancel_button.setEnabled(self.is_training)


def _looked_over(
    material: TrainingMaterial, station: Station
) -> tuple[TrainingMaterial, list[Recording], QualityReport]:
    recordings = material.read(station)
    reports = [quality_report(recording, material.pump.profile) for recording in recordings]
    order = list(Severity)[::-1]
    findings = sorted((f for r in reports for f in r.findings), key=lambda f: order.index(f.severity))
    whole = QualityReport(
        sum(r.rows for r in reports),
        sum(r.duration_s for r in reports),
        sum(r.running_s for r in reports),
        reports[0].period_s,
        tuple(findings),
    )
    return material, recordings, whole


def _begun(
    material: TrainingMaterial, recordings: list[Recording], options: tuple[str, bool, float], folder: Path | None
) -> tuple[TrainingJob, Path]:
    """Write the span where the child can read it, and start the child."""
    kind, allow_short, sensitivity = options
    scratch = Path(tempfile.mkdtemp(prefix="pumpwatch-training-"))
    files = [path.resolve() for path in material.files]
    if not files:
        for recording in recordings:
            files.append(scratch / recording.path.name)
            write_recording(recording, files[-1], material.pump.profile)
    out = scratch / material.pump.pump_id
    job = TrainingJob(
        material.pump.profile_name,
        files,
        out,
        kind=kind,
        allow_short=allow_short,
        sensitivity=sensitivity,
        base_dir=folder,
    )
    return job, scratch


def _end(job: TrainingJob | None) -> None:
    if job is not None:
        job.cancel()


def _remove(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _columns() -> list[Column[QualityFinding]]:
    return [
        Column("Weight", lambda f: f.severity.value),
        Column("Sensor", lambda f: f.tag or "the whole"),
        Column("Finding", lambda f: f.text, tip=lambda f: f.text),
    ]
