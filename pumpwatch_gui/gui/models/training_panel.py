"""Training as a user does it: a healthy span, its data-quality report, a child process with its loss."""

import time
from functools import partial

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QProgressBar, QWidget

from pumpwatch_gui.commissioning.models.material import Material
from pumpwatch_gui.commissioning.models.training import (
    KINDS,
    MORE_KINDS,
    USUAL_FACTOR,
    CheckedMaterial,
    Training,
    TrainingOptions,
    check_material,
    kinds_here,
)
from pumpwatch_gui.commissioning.models.training_job import JobPhase, JobView
from pumpwatch_gui.domain.commands import Record
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.data_quality import QualityFinding
from pumpwatch_gui.domain.wording import error_text, running_time
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.small_plot import Curve, SmallPlot
from pumpwatch_gui.gui.look.widgets import NumberBox, StatusText, button, label
from pumpwatch_gui.gui.models.material import HOUR_S, MaterialChooser
from pumpwatch_gui.gui.models.preview_dialog import PreviewDialog
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

CHECK_FIRST = "Check the data first: the report says what a model can be made of."
POLL_MS = 250
OFFERED_KIND, OFFERED_AFTER_S = "combined", 24 * 3600.0
"""A network is offered to a pump that learns itself once it has run for so long."""


class TrainPanel(QWidget):
    """Chooses, checks and trains. `stored` carries the version of a model that was stored."""

    stored = Signal(str)

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context = context
        self.pump: PumpSettings | None = None
        self.checked: CheckedMaterial | None = None
        self.training: Training | None = None
        self._started_s = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        self.findings: RowsModel[QualityFinding] = RowsModel(_columns(), key=lambda f: f)
        self._make_widgets()
        self._lay_out()
        self.show_offer(0.0)
        self.destroyed.connect(lambda: _end(self.training))
        self._show_state()

    # ---------------------------------------------------------------- building

    def _make_widgets(self) -> None:
        self.chooser = MaterialChooser(self.context.appearance, "Healthy span")
        self.chooser.changed.connect(self._forget_report)
        self.chooser.preview_wanted.connect(self.preview)
        self.kind = QComboBox()
        self.kind.addItems(list(kinds_here()))
        self.kind.setToolTip("" if self.kind.count() == len(KINDS) else MORE_KINDS)
        self.kind.setAccessibleName("Kind of detector")
        self.factor = NumberBox(1.0, 2.0, USUAL_FACTOR)
        self.factor.setSingleStep(0.05)
        self.factor.setAccessibleName("Threshold factor: a higher one alarms less")
        self.factor.setToolTip("A higher factor alarms less")
        self.short = QCheckBox("even if too short")
        self.short.setAccessibleName("Train even on too little data")
        self.short.toggled.connect(lambda _: self._show_state())
        self.keep_all = QCheckBox("keep all stretches")
        self.keep_all.setAccessibleName("Train also on stretches that look like a fault")
        self.keep_all.setToolTip("Stretches that the report says look like a fault are left out unless this is set")
        self.offer_words = label("", "dim")
        self.offer_words.setWordWrap(True)
        self.offer_button = button("Use its running", "Check the running of this pump for a network", self.take_offer)
        self._offered_s = 0.0
        self.check_button = button("Check data", "Examine the chosen data", self.check)
        self.train_button = button("Train", "Train a model on the checked data", self.train)
        self.cancel_button = button("Cancel", "Cancel the training", self.cancel)
        self.summary = StatusText(CHECK_FIRST)
        self.table = TableView(self.context.appearance, self.findings, "Data-quality report", many=True)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the training")
        self.progress.setRange(0, 1000)
        keeps_room = self.progress.sizePolicy()
        keeps_room.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(keeps_room)
        self.outcome = StatusText()
        self.loss = SmallPlot(
            self.context.appearance,
            "Loss of each epoch",
            x_text=lambda x: f"epoch {x:.0f}",
            empty="No epoch is over yet",
        )

    def _lay_out(self) -> None:
        more = label("" if self.kind.count() == len(KINDS) else MORE_KINDS)
        more.setWordWrap(True)
        check = hbox(self.check_button, label("Kind"), self.kind, (more, 1))
        options = hbox(label("Threshold factor"), self.factor, self.short, self.keep_all, None)
        run = hbox(self.train_button, self.cancel_button, (self.progress, 1))
        offer = hbox((self.offer_words, 1), self.offer_button)
        vbox(
            offer, label("1  Choose healthy running and check it", "strong"), self.chooser, check, self.summary,
            (self.table, 3), label("2  Train", "strong"), options, run, self.outcome, (self.loss, 3), None,
            parent=self, margin=12,
        )  # fmt: skip

    # ---------------------------------------------------------------- checking

    def show_pump(self, pump: PumpSettings) -> None:
        """Turn to a pump; a training under way goes on for the one it was begun for."""
        if self.pump is None or pump.pump_id != self.pump.pump_id:
            self.pump = pump
            self._forget_report()

    def show_offer(self, learnt_s: float) -> None:
        """Offer a network to a pump that has learnt from so many seconds of its own running; 0: offer nothing."""
        can_train = self.kind.findText(OFFERED_KIND) >= 0
        self._offered_s = learnt_s if can_train and learnt_s >= OFFERED_AFTER_S else 0.0
        self.offer_words.setText(
            f"This pump has learnt from {running_time(self._offered_s)} of its own running: "
            "enough to train a network, which can run in shadow first."
        )
        for part in (self.offer_words, self.offer_button):
            part.setVisible(self._offered_s > 0.0)

    def take_offer(self) -> None:
        """Choose the running that the pump has learnt from, and examine it."""
        self.chooser.last(self._offered_s / HOUR_S)
        self.kind.setCurrentText(OFFERED_KIND)
        self.check()

    def preview(self) -> None:
        """Show how the chosen files are read."""
        if self.pump is not None:
            PreviewDialog(self.context, self.pump, self.chooser, self).open()

    def check(self) -> None:
        """Read the chosen data and examine it, off the GUI thread."""
        if self.pump is None:
            return
        material, station = self.chooser.material(self.pump), self.context.station
        self.summary.say("reading …")
        self.check_button.setEnabled(False)
        self.context.ask(lambda: check_material(material, station), self._checked, self._check_failed)

    def _checked(self, checked: CheckedMaterial) -> None:
        self.check_button.setEnabled(True)
        self.checked, report = checked, checked.report
        rate = f"every {report.period_s:.3g} s" if report.rows > 1 else "one row"
        words = (
            f"{report.running_s / HOUR_S:.2f} h of running in {report.duration_s / HOUR_S:.2f} h, "
            f"{report.rows:,} rows, {rate}"
        )
        if report.is_usable:
            self.summary.say(words, "strong")
        else:
            self.summary.warn(f"{words}. No model is made of this unless it is forced.")
        self.findings.show_rows(report.findings)
        self._show_state()

    def _check_failed(self, error: Exception) -> None:
        self.check_button.setEnabled(True)
        self.summary.warn(error_text(error))

    def _forget_report(self) -> None:
        self.checked = None
        self.findings.show_rows([])
        self.summary.say(CHECK_FIRST)
        self._show_state()

    # ---------------------------------------------------------------- training

    def train(self) -> None:
        """Begin in a child process; the running station goes on undisturbed."""
        checked, folder = self.checked, self.context.station.site().folder
        if checked is None or self.is_training:
            return
        options = TrainingOptions(
            self.kind.currentText(), self.factor.value(), self.short.isChecked(), self.keep_all.isChecked()
        )
        self._started_s = time.monotonic()
        self.outcome.say("starting …")
        self.train_button.setEnabled(False)
        self.context.ask(lambda: Training(checked, options, folder), self._begun, self._train_failed)

    def _begun(self, training: Training) -> None:
        self.training = training
        self._timer.start()
        self.poll()

    def _train_failed(self, error: Exception) -> None:
        self._show_state()
        self.outcome.warn(error_text(error))

    @property
    def is_training(self) -> bool:
        """Whether a training is under way."""
        return self.training is not None and self.training.poll().phase is JobPhase.RUNNING

    def cancel(self) -> None:
        """End the training; nothing is left behind."""
        _end(self.training)

    def poll(self) -> None:
        """Show the progress of the training; at its end store the model."""
        if self.training is None:
            return
        view = self.training.poll()
        self.progress.setValue(round(view.progress * 1000))
        epochs = np.arange(1, len(view.loss) + 1, dtype=np.float64)
        self.loss.show_curves(Curve("loss (mean absolute error)", epochs, np.array(view.loss)))
        self._show_state()
        if view.phase is JobPhase.RUNNING:
            passed_s = time.monotonic() - self._started_s
            self.outcome.say(f"{passed_s:.0f} s · {view.lines[-1] if view.lines else 'starting …'}")
            return
        self._timer.stop()
        self._finish(self.training, view)

    def _finish(self, training: Training, view: JobView) -> None:
        if view.phase is JobPhase.DONE:
            home = self.context.home
            self.outcome.say("Trained.")
            self.context.ask(lambda: training.store(home), partial(self._stored, training.material), self._train_failed)
            return
        training.discard()
        if view.phase is JobPhase.FAILED:
            self.outcome.warn(view.error)
        else:
            self.outcome.say("Cancelled: nothing was kept.")

    def _stored(self, material: Material, version: str) -> None:
        self.context.order(Record(f"Model {version} trained on {material.words}", material.pump.pump_id))
        took_s = time.monotonic() - self._started_s
        self.outcome.say(f"Model {version} is stored after {took_s:.0f} s. Back-test it, let it run in shadow.")
        self.stored.emit(version)

    def _show_state(self) -> None:
        usable = self.checked is not None and (self.checked.report.is_usable or self.short.isChecked())
        self.train_button.setEnabled(usable and not self.is_training)
        self.cancel_button.setEnabled(self.is_training)
        self.table.setVisible(self.checked is not None)
        for part in (self.progress, self.loss):
            part.setVisible(self.training is not None)


def _end(training: Training | None) -> None:
    if training is not None:
        training.cancel()


def _columns() -> list[Column[QualityFinding]]:
    return [
        Column("Severity", lambda f: f.severity.value),
        Column("Sensor", lambda f: f.tag or "the whole"),
        Column("Finding", lambda f: f.text, elided=True),
    ]
