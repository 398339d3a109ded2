"""What happened, on the time axis: alarms, maintenance, what people did, starts and stops."""

from dataclasses import dataclass
from functools import partial
from itertools import islice

from PySide6.QtCore import QObject, QTimer, Signal

from pumpwatch_gui.commissioning.journal import journal_span
from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.domain.journal import ABOUT, ANNOTATION, NOTE, JournalRow, line_words
from pumpwatch_gui.domain.ports import Historian, JournalQuery
from pumpwatch_gui.domain.wording import error_text, stamp
from pumpwatch_gui.gui.look.time_view import TimeView
from pumpwatch_gui.gui.shell.page import PageContext

MOST_MARKS = 2000
KINDS = ("alarm", "maintenance", "command", "run", "note")
MOST_NOTES = 2000
"""The newest notes on a time: they are of any time before they were written."""
RESTS_MS = 400
COMMITTED_MS = 2000
"""What has just happened is on the disk by then."""
_PAGES = {"maintenance": "maintenance"}


@dataclass(frozen=True, slots=True)
class Mark:
    """One event: when (Unix seconds), of which pump ("" for the station), what it says."""

    time_s: float
    kind: str
    pump_id: str
    words: str
    priority: Priority | None = None

    @property
    def page(self) -> str:
        """The page that has more of it."""
        return _PAGES.get(self.kind, "events")

    @property
    def letter(self) -> str:
        """The letter of its kind where it has no priority."""
        return {"maintenance": "M", "command": "O", "run": "R", ANNOTATION: "N"}.get(self.kind, "i")

    @property
    def tip(self) -> str:
        """Time, pump and what happened."""
        return f"{stamp(round(self.time_s * 1e9))}  {self.pump_id}  {self.words}".replace("    ", "  ")


def read_marks(history: Historian, pump_ids: frozenset[str], start_ns: int, end_ns: int) -> tuple[Mark, ...]:
    """The marks of these pumps ("" for the station) in a stretch of time, oldest first, the newest `MOST_MARKS`.

    Call it off the GUI thread. Raises StoreError.
    """
    lines = journal_span(history, start_ns=start_ns, end_ns=end_ns, kinds=KINDS)
    own = (row for row in lines if row.pump_id in pump_ids and (row.kind != "alarm" or _is_raised(row)))
    notes = history.journal(JournalQuery(kinds=(ANNOTATION,)), limit=MOST_NOTES)
    said = (row for row in notes if row.pump_id in pump_ids and start_ns <= row.detail.get(ABOUT, 0) < end_ns)
    return tuple(sorted(map(_mark, (*islice(own, MOST_MARKS), *said)), key=lambda mark: mark.time_s))


def _is_raised(row: JournalRow) -> bool:
    """Whether an alarm came; what became of it is not marked."""
    return bool(row.detail.get("raised_ns") == row.detail.get("changed_ns"))


def _mark(row: JournalRow) -> Mark:
    priority = Priority[row.severity] if row.kind == "alarm" and row.severity in Priority.__members__ else None
    is_note = row.kind == ANNOTATION
    words = str(row.detail[NOTE]) if is_note else line_words(row)
    words += f", by {row.by}" if row.by else ""
    return Mark((row.detail[ABOUT] if is_note else row.time_ns) / 1e9, row.kind, row.pump_id, words, priority)


class MarksReader(QObject):
    """Reads the marks of a view in the background once it rests. `came` with them, `failed` with why there are none."""

    came = Signal(tuple)
    failed = Signal(str)

    def __init__(self, context: PageContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._has_some = self._has_read = False
        self._wanted: tuple[TimeView, frozenset[str]] | None = None
        self._turn = 0
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._read)

    def want(self, view: TimeView, pump_ids: frozenset[str], *, is_shown: bool) -> None:
        """Have the marks of these pumps in a view; none where they are not shown."""
        self._wanted = (view, pump_ids) if is_shown else None
        self._turn += 1
        if not is_shown:
            self._rest.stop()
            self._take(self._turn, ())
        elif not self._rest.isActive():
            rests_ms = COMMITTED_MS if view.is_live and self._has_some else RESTS_MS
            self._rest.start(rests_ms if self._has_read else 0)

    def _read(self) -> None:
        if self._wanted is None:
            return
        (view, pump_ids), self._has_read = self._wanted, True
        room_s = view.length_s / 4
        start_ns, end_ns = int((view.start_s - room_s) * 1e9), int((view.end_s + room_s) * 1e9)
        read = partial(read_marks, self._context.station.history, pump_ids, start_ns, end_ns)
        self._context.ask(read, partial(self._take, self._turn), self._fail)

    def _take(self, turn: int, marks: tuple[Mark, ...]) -> None:
        if turn == self._turn:
            self._has_some = bool(marks)
            self.came.emit(marks)

    def _fail(self, error: Exception) -> None:
        self.failed.emit(error_text(error))
