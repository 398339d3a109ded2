"""Reports: which one of which time, its pages as they will be printed, its files, and what is made by itself."""

from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QLabel, QLineEdit, QScrollArea, QWidget

from pumpwatch_gui.commissioning.reports.child import make_report, preview_pages
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.reports.period import Period, ReportKind, parse_period
from pumpwatch_gui.domain.reports.schedule import FORMATS, SCHEDULED, ReportSchedule
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.shell.page import PageContext

WORDS = {ReportKind.SHIFT: "Shift hand-over", ReportKind.DAILY: "Day", ReportKind.WEEKLY: "Week",
         ReportKind.MONTHLY: "Month", ReportKind.INCIDENT: "Incident"}  # fmt: skip
HINTS = {
    ReportKind.SHIFT: "2026-10-14 06:00 to 14:00",
    ReportKind.DAILY: "2026-10-14",
    ReportKind.WEEKLY: "2026 week 42",
    ReportKind.MONTHLY: "2026-10",
    ReportKind.INCIDENT: "2026-10-14 03:10 to 03:40",
}


class ReportsDialog(QDialog):
    """Makes reports in a child process: the window goes on. `pages` are the pictures on show."""

    def __init__(self, context: PageContext, pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Reports")
        self.context = context
        self.pages: list[QLabel] = []
        self._turn = 0
        px = context.appearance.px
        self.kind = QComboBox()
        self.kind.setAccessibleName("Report")
        for kind, words in WORDS.items():
            self.kind.addItem(words, kind)
        self.period = QLineEdit()
        self.period.setAccessibleName("Period")
        self.period.setMinimumWidth(px(190))
        self.pump = QComboBox()
        self.pump.setAccessibleName("Pump of the incident")
        self.pump.addItems(["all with an alarm", *(pump.pump_id for pump in context.station.site().pumps)])
        self.pump.setCurrentText(pump_id)
        self.kind.currentIndexChanged.connect(lambda _: self._turn_to_kind())
        self.show_button = button("Preview", "Show the pages as they will be printed", self.preview)
        self.show_button.setDefault(True)
        self.save_button = button("Save in folder…", "Write the report as PDF and as a workbook", self.choose_folder)
        self.said = StatusText()
        self.paper = QScrollArea()
        self.paper.setWidgetResizable(True)
        self.paper.setAccessibleName("Pages")
        self.paper.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.schedule = label(schedule_words(context.station.site().reports), "dim")
        self.schedule.setWordWrap(True)
        head = hbox(label("Report", "heading"), self.kind, self.period, self.pump, None, self.show_button)
        foot = hbox((self.said, 1), self.save_button, button("Close", "Close the reports", self.reject))
        vbox(head, (self.paper, 1), self.schedule, foot, parent=self, margin=16, spacing=12)
        resize_within_screen(self, px(900), px(680))
        self._turn_to_kind()
        self._show_words("The pages are shown here as they will be printed")

    def _turn_to_kind(self) -> None:
        kind: ReportKind = self.kind.currentData()
        now = datetime.fromtimestamp(self.context.station.latest().time_ns / 1e9)
        ended = ReportSchedule(SCHEDULED, shifts=self.context.station.site().reports.shifts).ended(now)
        typed = next((period.typed for period in ended if period.kind is kind), "")
        self.period.setText(typed)
        self.period.setPlaceholderText(HINTS[kind])
        self.pump.setVisible(kind is ReportKind.INCIDENT)

    @property
    def _pumps(self) -> tuple[str, ...]:
        is_incident = self.kind.currentData() is ReportKind.INCIDENT
        return (self.pump.currentText(),) if is_incident and self.pump.currentIndex() > 0 else ()

    def _period(self) -> Period | None:
        try:
            return parse_period(self.kind.currentData(), self.period.text())
        except InputError as error:
            self.said.warn(error.advice or error.message)
            self.period.setFocus()
            return None

    # ---------------------------------------------------------------- pages

    def preview(self) -> None:
        """Have the pages made, and show them when they are."""
        if (period := self._period()) is None:
            return
        self._turn += 1
        self._be_busy("The pages are being made…")
        job = partial(preview_pages, self.context.home, self.context.site_file, period, self._pumps)
        self.context.ask(job, partial(self._show_pages, self._turn), self._failed)

    def _show_pages(self, turn: int, pages: list[bytes]) -> None:
        if turn != self._turn:
            return
        whole = QWidget()
        self.pages = []
        for i, content in enumerate(pages, 1):
            page = QLabel()
            picture = QPixmap()
            picture.loadFromData(content)
            page.setPixmap(picture)
            page.setAccessibleName(f"Page {i} of {len(pages)}")
            self.pages.append(page)
        column = vbox(*self.pages, None, parent=whole, margin=12, spacing=12)
        column.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.paper.setWidget(whole)
        self._be_ready("1 page" if len(pages) == 1 else f"{len(pages)} pages")

    def _show_words(self, words: str) -> None:
        said = label(words, "dim")
        said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.paper.setWidget(said)

    # ---------------------------------------------------------------- files

    def choose_folder(self) -> None:
        """Ask for a folder and write the files there."""
        if (period := self._period()) is None:
            return
        folder = QFileDialog.getExistingDirectory(self, "Folder of the report", str(Path.home()))
        if folder:
            self.save(period, Path(folder))

    def save(self, period: Period, folder: Path) -> None:
        """Write the report of a period as PDF and as a workbook."""
        self._be_busy("The report is being made…")
        job = partial(make_report, self.context.home, self.context.site_file, period, folder, FORMATS, self._pumps)
        self.context.ask(job, self._saved, self._failed)

    def _saved(self, lines: list[str]) -> None:
        self._be_ready("Saved: " + ", ".join(Path(line.partition("  sha256 ")[0]).name for line in lines))

    def _be_busy(self, words: str) -> None:
        self.said.say(words)
        for act in (self.show_button, self.save_button):
            act.setEnabled(False)

    def _be_ready(self, words: str = "") -> None:
        for act in (self.show_button, self.save_button):
            act.setEnabled(True)
        if words:
            self.said.say(words)

    def _failed(self, error: Exception) -> None:
        self._be_ready()
        self.said.warn(error_text(error))


def schedule_words(schedule: ReportSchedule) -> str:
    """What is made by itself, and where."""
    if not schedule.kinds:
        return "No report is scheduled: none is made by itself. The help (F1) says how the site file asks for them."
    kinds = ", ".join(WORDS[kind].lower() for kind in schedule.kinds)
    return f"Made after each {kinds}: {' and '.join(schedule.formats)} in {schedule.folder}"
