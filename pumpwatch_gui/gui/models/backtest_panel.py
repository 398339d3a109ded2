"""Back-test: a model on the rest of the history, threshold factors in the operator's terms, feedback on episodes."""

from dataclasses import replace
from functools import partial
from threading import Event

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QProgressBar, QSlider, QSplitter, QWidget

from pumpwatch_gui.commissioning.models.backtest import (
    BackTest,
    BackTestRun,
    FactorRow,
    FoundEpisode,
    ResidualTrend,
    run_back_test,
)
from pumpwatch_gui.domain.commands import GiveFeedback, SetThresholdFactor
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.wording import clock, duration, error_text, number, stamp
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.small_plot import Curve, SmallPlot
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.models.material import MaterialChooser
from pumpwatch_gui.gui.models.preview_dialog import PreviewDialog
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

MOST_NOTES = 4


class BackTestPanel(QWidget):
    """Tests the model chosen at the left. `tested`: there is an outcome."""

    tested = Signal()

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context = context
        self.pump: PumpSettings | None = None
        self.version = ""
        self.is_active = True
        self._run: BackTestRun | None = None
        self._part = 0.0
        self._stop = Event()
        self.rows: RowsModel[FactorRow] = RowsModel(_row_columns(), key=lambda r: r.threshold_factor)
        self.episodes: RowsModel[FoundEpisode] = RowsModel(_episode_columns(), key=lambda e: e.start_ns)
        self._timer = QTimer(self)
        self._timer.setInterval(200)
        self._timer.timeout.connect(lambda: self.progress.setValue(round(self._part * 1000)))
        self._make_widgets()
        self._lay_out()
        self.destroyed.connect(lambda: self._stop.set())

    # ---------------------------------------------------------------- building

    def _make_widgets(self) -> None:
        appearance = self.context.appearance
        self.chooser = MaterialChooser(appearance, "Span of the back-test")
        self.chooser.preview_wanted.connect(self.preview)
        self.run_button = button("Back-test", "Run the chosen model over the span", self.run)
        self.cancel_button = button("Cancel", "Cancel the back-test", self._stop_now)
        self.cancel_button.setEnabled(False)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of the back-test")
        self.said = StatusText("The model chosen at the left is run over the span, row by row, as if it were live.")
        self.table = TableView(
            appearance, self.rows, "What each threshold factor would have done",
            nothing="A back-test says what each threshold factor would have done",
        )  # fmt: skip
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Threshold factor: left alarms most, right least")
        self.slider.setRange(0, 0)
        self.slider.valueChanged.connect(self._slid)
        self.meaning = label("", "strong")
        self.use_button = button("Use this factor", "Make and promote a model with this threshold factor", self.use)
        self.use_button.setEnabled(False)
        self.episode_view = TableView(appearance, self.episodes, "Episodes found", nothing="No episodes")
        self.episode_view.selectionModel().currentRowChanged.connect(lambda now, _: self._choose(now.row()))
        self.episode_view.selectionModel().selectionChanged.connect(lambda *_: self._offer_words())
        self.note = QLineEdit()
        self.note.setPlaceholderText("Note: what was it?")
        self.note.setAccessibleName("Note to the episode")
        self.words = [
            button(word, f"The episode was {hint}", partial(self.give, verdict))
            for word, verdict, hint in (
                ("True", FeedbackVerdict.TRUE, "right: something was wrong"),
                ("False", FeedbackVerdict.FALSE, "a false alarm"),
                ("Unknown", FeedbackVerdict.UNKNOWN, "neither: it is not known"),
            )
        ]
        self._offer_words()
        self.trend = SmallPlot(appearance, "Residuals about the onset", x_text=lambda x: clock(int(x * 1e9)),
                               empty="Choose an episode: the leading sensors about its onset come here")  # fmt: skip

    def _lay_out(self) -> None:
        run = hbox(self.run_button, self.cancel_button, (self.progress, 1))
        slide = hbox(label("alarms most"), (self.slider, 1), label("alarms least"), self.use_button)
        split = QSplitter(Qt.Orientation.Vertical)
        upper, lower = QWidget(), QWidget()
        vbox((self.table, 1), slide, self.meaning, parent=upper)
        vbox((self.episode_view, 1), hbox((self.note, 1), *self.words), (self.trend, 1), parent=lower)
        for half in (upper, lower):
            split.addWidget(half)
        split.setSizes([240, 320])
        split.setChildrenCollapsible(False)
        vbox(self.chooser, run, self.said, (split, 1), parent=self, margin=12)

    # ---------------------------------------------------------------- running

    @property
    def outcome(self) -> BackTest | None:
        """The outcome on show."""
        return self._run.outcome if self._run else None

    def show_model(self, pump: PumpSettings, version: str, *, is_active: bool) -> None:
        """The model to test; an outcome of another is removed."""
        if self.pump is None or (pump.pump_id, version) != (self.pump.pump_id, self.version):
            self._clear()
        self.pump, self.version, self.is_active = pump, version, is_active
        self.use_button.setEnabled(self._run is not None and is_active)

    def preview(self) -> None:
        """Show how the chosen files are read."""
        if self.pump is not None:
            PreviewDialog(self.context, self.pump, self.chooser, self).open()

    def run(self) -> None:
        """Read the span and stream it through the model, off the GUI thread."""
        if self.pump is None:
            return
        self._clear()
        material, version = self.chooser.material(self.pump), self.version
        home, station = self.context.home, self.context.station
        self._stop, self._part = Event(), 0.0
        stop = self._stop

        def progress(part: float) -> None:
            self._part = part
            if stop.is_set():
                raise PumpWatchError("cancelled", "run it again when it suits")

        self.said.say("running …")
        self.run_button.setEnabled(False)
        self.cancel_button.setEnabled(True)
        self._timer.start()
        self.context.ask(
            lambda: run_back_test(home, station, material, version, progress=progress), self._tested, self._failed
        )

    def _stop_now(self) -> None:
        self._stop.set()

    def _ended(self) -> None:
        self._timer.stop()
        self.progress.setValue(round(self._part * 1000))
        self.run_button.setEnabled(True)
        self.cancel_button.setEnabled(False)

    def _failed(self, error: Exception) -> None:
        self._ended()
        self.said.warn(error_text(error))

    def _tested(self, run: BackTestRun) -> None:
        self._ended()
        self._run, test = run, run.outcome
        self.said.say(
            f"{test.scored_h:.2f} h scored of {test.span_h:.2f} h: {len(test.episodes)} episodes, "
            f"{number(test.in_alarm, 2)} % of normal time in alarm, "
            f"{number(test.now.false_a_week, 1)} false alarms a week to expect "
            "(an episode counts as false until its feedback is true or unknown)",
            "strong",
        )
        notes = [f"{r.path.name}: {note}" for r in run.recordings for note in r.notes]
        self.said.setText("\n".join([self.said.text(), *notes[:MOST_NOTES]]))
        self.rows.show_rows(test.table)
        self.episodes.show_rows(test.episodes)
        self.slider.setRange(0, len(test.table) - 1)
        nearest = min(
            range(len(test.table)), key=lambda i: abs(test.table[i].threshold_factor - test.now.threshold_factor)
        )
        self.slider.setValue(nearest)
        self._slid(nearest)
        self.use_button.setEnabled(self.is_active)
        self.use_button.setToolTip("" if self.is_active else "Promote this model first")
        self.tested.emit()

    def _clear(self) -> None:
        self._run = None
        self.rows.show_rows([])
        self.episodes.show_rows([])
        self._offer_words()
        self.trend.show_curves()
        self.meaning.setText("")
        self.use_button.setEnabled(False)

    # ---------------------------------------------------------------- threshold factor

    def _slid(self, at: int) -> None:
        if self._run is None:
            return
        row = self._run.outcome.table[at]
        known = f", {row.caught} of {row.known} known faults found" if row.known else "; no known fault in the span"
        expected = f"{number(row.false_a_week, 1)} false alarms a week to expect"
        self.meaning.setText(f"{row.threshold_factor:g}: {expected}{known}")
        self.table.choose(row.threshold_factor)

    def use(self) -> None:
        """Order a model with the threshold factor of the slider."""
        if self._run is not None and self.pump is not None:
            row = self._run.outcome.table[self.slider.value()]
            self.context.order(SetThresholdFactor(self.pump.pump_id, row.threshold_factor))

    # ---------------------------------------------------------------- episodes

    def _choose(self, at: int) -> None:
        run = self._run
        if run is None or not 0 <= at < len(self.episodes.rows):
            return
        episode = self.episodes.rows[at]
        self.note.setText(episode.feedback.note if episode.feedback else "")
        self.context.ask(lambda: run.trend(episode), partial(self._show_trend, episode))

    def _offer_words(self) -> None:
        """Feedback is on an episode: without a chosen one there is none to give."""
        for part in (self.note, *self.words):
            part.setEnabled(self.episodes.row_at(self.episode_view.chosen) is not None)

    def _show_trend(self, episode: FoundEpisode, trend: ResidualTrend) -> None:
        labels = {s.tag: s.label for s in self.pump.profile.sensors} if self.pump else {}
        curves = [
            Curve(labels.get(tag, tag), trend.time_s, trend.residuals[:, trend.tags.index(tag)])
            for tag, _ in episode.leading
        ]
        self.trend.show_curves(*curves, mark=episode.start_ns / 1e9, marked="onset")

    def give(self, verdict: FeedbackVerdict) -> None:
        """Order feedback on the chosen episode."""
        episode = self.episodes.row_at(self.episode_view.chosen)
        if self.pump is None or episode is None:
            return
        note, by = self.note.text().strip(), self.context.user
        feedback = EpisodeFeedback(self.pump.pump_id, episode.start_ns, episode.end_ns, verdict, note, by)
        self.context.order(GiveFeedback(feedback))
        self.episodes.show_rows([replace(e, feedback=feedback) if e is episode else e for e in self.episodes.given])


def _row_columns() -> list[Column[FactorRow]]:
    return [
        Column("Factor", lambda r: f"{r.threshold_factor:g}", right=True),
        Column("Episodes", lambda r: f"{r.episodes}", right=True),
        Column("False alarms a week", lambda r: number(r.false_a_week, 1), right=True),
        Column("In alarm, %", lambda r: number(r.in_alarm, 2), right=True),
        Column("Known faults found", lambda r: f"{r.caught} of {r.known}" if r.known else "none known", right=True),
    ]


def _episode_columns() -> list[Column[FoundEpisode]]:
    def lasted(episode: FoundEpisode) -> str:
        return duration((episode.end_ns - episode.start_ns) / 1e9)

    def leading(episode: FoundEpisode) -> str:
        return ", ".join(f"{tag} {100 * share:.0f} %" for tag, share in episode.leading)

    return [
        Column("Began", lambda e: stamp(e.start_ns), sort=lambda e: e.start_ns),
        Column("Lasted", lasted, right=True, sort=lambda e: e.end_ns - e.start_ns),
        Column("Peak", lambda e: number(e.peak, 2), right=True),
        Column("Leading sensors", leading, elided=True),
        Column(
            "Feedback",
            lambda e: e.feedback.verdict.value if e.feedback else "–",
            tip=lambda e: e.feedback.note if e.feedback else "",
        ),
    ]
