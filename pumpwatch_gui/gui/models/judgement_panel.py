"""How a pump was judged over time: whether its model can be trusted, from its history and from what people said."""

from functools import partial
from math import isfinite

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.models.judged import read_judgement
from pumpwatch_gui.domain.commands import GiveFeedback
from pumpwatch_gui.domain.detection import Detection, NotScored
from pumpwatch_gui.domain.display import presence
from pumpwatch_gui.domain.events import AlarmChanged, Event, FeedbackGiven, OrderDone
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.judgement import JudgedEpisode, Judgement, Known, StepCount
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.wording import age, duration, error_text, number, stamp
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.time_bar import TimeBar
from pumpwatch_gui.gui.look.time_view import DAY_S, TimeView
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.models.judgement_view import JudgementView, words_of_episode
from pumpwatch_gui.gui.shell.page import TREND_KEY, PageContext, around
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

LENGTHS = (("1 d", DAY_S), ("7 d", 7 * DAY_S), ("30 d", 30 * DAY_S))
LIVE_S, PIXELS = 15.0, 1000
"""A live picture is read again after so long, or once time has moved on by a pixel; what happens is read at once."""
RESTS_MS, COMMITTED_MS = 150, 2_000
"""While it is moved nothing is read; what has just happened is in the journal by then."""
ROW_PX = 30


class JudgementPanel(QWidget):
    """Score, alarms and changes over time; alarms by likelihood with what people said; the alarms, to be judged."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context, self.appearance = context, context.appearance
        self.pump: PumpSettings | None = None
        self.found: Judgement | None = None
        self._known: Known = {}
        self._view: StationView | None = None
        self._turn, self._read_s = 0, 0.0
        self.counts: RowsModel[StepCount] = RowsModel(_count_columns(), key=lambda c: c.step)
        self.episodes: RowsModel[JudgedEpisode] = RowsModel(_episode_columns(), key=lambda e: e.start_ns)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.read)
        self._make_widgets()
        self._lay_out()
        self.appearance.changed.connect(self._fit_counts)
        self._offer()

    # ---------------------------------------------------------------- building

    def _make_widgets(self) -> None:
        self.bar = TimeBar(lambda: self._now_s, LENGTHS)
        self.bar.moved.connect(self._move)
        self.said = StatusText()
        self.said.setWordWrap(False)
        self.now, self.rate = StatusText(), StatusText()
        self.now.setWordWrap(False)
        self.count_view = TableView(self.appearance, self.counts, "Alarms by likelihood of a fault")
        self.count_view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.count_view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.episode_view = TableView(
            self.appearance, self.episodes, "Anomaly alarms of this pump", nothing="No anomaly alarms in this time"
        )
        self.episode_view.selectionModel().selectionChanged.connect(lambda *_: self._chose())
        self.episode_view.lead_to(lambda e: (self._id, e.tag), self.context, lambda e: e.start_ns)
        self.picture = JudgementView(self.appearance)
        self.picture.moved.connect(self._move)
        self.picture.chosen.connect(lambda episode: self.episode_view.choose(episode.start_ns))
        self.trend = button("Trend", "Show the trend around the chosen alarm", self._open_trend, hint="T")
        self.note = QLineEdit()
        self.note.setPlaceholderText("Note: what was it?")
        self.note.setAccessibleName("Note to the alarm")
        self.verdicts = {
            verdict: button(verdict.value.capitalize(), f"The chosen alarm was {hint}", partial(self.give, verdict))
            for verdict, hint in (
                (FeedbackVerdict.TRUE, "right: something was wrong"),
                (FeedbackVerdict.FALSE, "a false alarm"),
                (FeedbackVerdict.UNKNOWN, "neither: it is not known"),
            )
        }
        self.episode_view.offer(self.trend, *self.verdicts.values())

    def _lay_out(self) -> None:
        head = hbox(self.bar, (self.said, 1))
        figures = hbox(self.now, (self.rate, 1), spacing=16)
        feedback = hbox(label("Chosen alarm", "dim"), (self.note, 1), *self.verdicts.values(), self.trend)
        vbox(head, figures, (self.picture, 5), self.count_view, feedback, (self.episode_view, 4), parent=self,
             margin=12)  # fmt: skip
        self._fit_counts()
        self.setFocusProxy(self.episode_view)

    def _fit_counts(self) -> None:
        """As high as its rows, of which there are few."""
        header, rows = self.count_view.horizontalHeader().sizeHint().height(), len(self.counts.rows)
        self.count_view.setFixedHeight(header + rows * round(self.appearance.px(ROW_PX)) + 4)
        self.count_view.setVisible(rows > 0)

    # ---------------------------------------------------------------- which pump, which time

    @property
    def _id(self) -> str:
        return self.pump.pump_id if self.pump is not None else ""

    @property
    def _now_s(self) -> float:
        return self.context.station.latest().time_ns / 1e9

    def show_pump(self, pump: PumpSettings) -> None:
        """Turn to a pump."""
        if pump.pump_id != self._id:
            self._known, self.found = {}, None
            self.pump = pump
            self._move(TimeView.last(self.picture.view.length_s, self._now_s))
        self.pump = pump

    def _move(self, view: TimeView) -> None:
        self.picture.view = view
        self._show()
        self._soon.start(RESTS_MS)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.read()

    def refresh(self, view: StationView) -> None:
        """The score of now with its age; what is live is read again now and then."""
        self._view = view
        pump = next((p for p in view.pumps if p.pump_id == self._id), None)
        self.now.say(_now_words(pump, view, self.context) if pump is not None else "", "strong")
        now_s = view.time_ns / 1e9
        if not self.isVisible():
            return
        again_s = max(LIVE_S, self.picture.view.length_s / PIXELS)
        if self.picture.view.is_live and not 0 <= now_s - self._read_s < again_s:
            self.picture.view = self.picture.view.at(now_s)
            self.read()
        if self.found is not None:
            self.said.say(f"read {age(max(now_s - self._read_s, 0.0))} ago")

    def note_event(self, event: Event) -> None:
        """Something happened to the pump: it is read once it is committed."""
        match event:
            case AlarmChanged(alarm=alarm):
                pump_id = alarm.pump_id
            case FeedbackGiven(feedback=feedback):
                pump_id = feedback.pump_id
            case OrderDone(pump_id=pump_id):
                pass
            case _:
                return
        if pump_id == self._id and self.isVisible() and not self._soon.isActive():
            self._soon.start(COMMITTED_MS)

    # ---------------------------------------------------------------- reading

    def read(self) -> None:
        """Read what is on the time axis, off the GUI thread."""
        if self.pump is None or not self.isVisible():
            return
        self._turn += 1
        view, station = self.picture.view.at(self._now_s), self.context.station
        self.picture.view, self._read_s = view, self._now_s
        own = [a for p in station.latest().pumps if p.pump_id == self._id for a in p.alarms]
        work = partial(
            read_judgement, station.history, self.pump, own, start_ns=round(view.start_s * 1e9),
            end_ns=round(view.end_s * 1e9), known=self._known,
        )  # fmt: skip
        self.context.ask(work, partial(self._take, self._turn), partial(self._failed, self._turn))

    def _take(self, turn: int, found: Judgement) -> None:
        if turn == self._turn and found.pump_id == self._id:
            self.found = found
            self._known = {e.start_ns: (e.peak, e.step) for e in found.episodes if not e.is_open and e.step is not None}
            self.said.say("")
            self._show()

    def _failed(self, turn: int, error: Exception) -> None:
        if turn == self._turn:
            self.said.warn(error_text(error))

    def _show(self) -> None:
        found, view = self.found, self.picture.view
        self.bar.show_view(view)
        self.picture.show_judgement(found, view, self._now_s, "Reading the history …")
        self.rate.say(rate_words(found) if found is not None else "")
        self.counts.show_rows(found.counts if found is not None else ())
        self.episodes.show_rows(found.episodes[::-1] if found is not None else ())
        self._fit_counts()
        self._chose()

    # ---------------------------------------------------------------- the chosen alarm

    @property
    def chosen(self) -> JudgedEpisode | None:
        """The alarm that a person has chosen in the table."""
        return self.episodes.row_at(self.episode_view.chosen)

    def _chose(self) -> None:
        episode = self.chosen
        if (episode.start_ns if episode is not None else None) != self.picture.selected_ns:
            self.picture.select(episode.start_ns if episode is not None else None)
            self.note.setText(episode.feedback.note if episode is not None and episode.feedback is not None else "")
        self._offer()

    def _offer(self) -> None:
        episode, can_say = self.chosen, self.context.can_operate
        self.trend.setEnabled(episode is not None)
        for part in (self.note, *self.verdicts.values()):
            part.setVisible(can_say)
            part.setEnabled(episode is not None)

    def give(self, verdict: FeedbackVerdict) -> None:
        """Order feedback on the chosen alarm."""
        episode = self.chosen
        if episode is None:
            return
        note, by = self.note.text().strip(), self.context.user
        feedback = EpisodeFeedback(self._id, episode.start_ns, episode.end_ns, verdict, note, by)
        self.context.order(GiveFeedback(feedback))

    def _open_trend(self) -> None:
        if (episode := self.chosen) is not None:
            self.context.open_trend(self._id, episode.tag, around(episode.start_ns))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """`TREND_KEY` opens the trend around the chosen alarm, [ and ] move in time."""
        if event.key() == TREND_KEY and not event.modifiers():
            self._open_trend()
        elif event.text() in ("[", "]"):
            (self.bar.back if event.text() == "[" else self.bar.forward).click()
        else:
            super().keyPressEvent(event)


def rate_words(found: Judgement) -> str:
    """How many alarms there were in how much scored time, and what that is a week."""
    count, scored = len(found.raised), found.scored_s
    alarms = "1 alarm" if count == 1 else f"{count} alarms"
    if not scored:
        return f"{alarms}, not scored in this time"
    rate = f": {number(found.a_week, 1)} a week" if isfinite(found.a_week) else ", too little for a rate a week"
    return f"{alarms} in {duration(scored)} of scored running{rate}"


def _now_words(pump: PumpView, view: StationView, context: PageContext) -> str:
    """The newest score with its age, or why there is none."""
    seen = presence(pump, view.mono_ns, context.last_good)
    match pump.score_result:
        case _ if not seen.live:
            return f"? {seen.text}"
        case Detection(score=score, mono_ns=mono_ns):
            return f"Score now {number(score, 2)}, {age((view.mono_ns - mono_ns) / 1e9)} old"
        case NotScored(why=why):
            return f"Not scored now: {why}"
        case None:
            return "Not judged yet"


def _count_columns() -> list[Column[StepCount]]:
    def right(count: StepCount) -> str:
        return f"{100 * count.right:.0f} %" if isfinite(count.right) else "–"

    return [
        Column("Likelihood of a fault", lambda c: c.step.words if c.step is not None else "scores not read"),
        Column("Alarms", lambda c: f"{c.episodes:,}", right=True),
        Column("True", lambda c: f"{c.true:,}", right=True),
        Column("False", lambda c: f"{c.false:,}", right=True),
        Column("Unknown", lambda c: f"{c.unknown:,}", right=True),
        Column("No feedback", lambda c: f"{c.unjudged:,}", right=True),
        Column("Right", right, right=True, tip=lambda _: "Of those called true or false, the share that was true"),
    ]


def _episode_columns() -> list[Column[JudgedEpisode]]:
    def lasted(episode: JudgedEpisode) -> str:
        return duration((episode.end_ns - episode.start_ns) / 1e9) + (" …" if episode.is_open else "")

    return [
        Column("Began", lambda e: stamp(e.start_ns), sort=lambda e: e.start_ns),
        Column("Lasted", lasted, right=True, sort=lambda e: e.end_ns - e.start_ns),
        Column("Peak", lambda e: number(e.peak, 2), right=True, sort=lambda e: e.peak if isfinite(e.peak) else None),
        Column("Fault", lambda e: e.step.words.removeprefix("fault ") if e.step is not None else "–", spare=True,
               sort=lambda e: e.step.step if e.step is not None else None),
        Column("Alarm", lambda e: e.text, elided=True, tip=words_of_episode),
        Column("Feedback", lambda e: e.verdict.value if e.verdict is not None else "–",
               tip=lambda e: e.feedback.note if e.feedback is not None else ""),
    ]  # fmt: skip
