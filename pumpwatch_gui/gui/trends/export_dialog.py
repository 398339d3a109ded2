"""Exporting what is in view: which file, how far it is, and what became of it."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QProgressBar, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.export.export import ExportCancelledError, ExportProgress, export
from pumpwatch_gui.commissioning.export.selection import select
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.wording import error_text, minute
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, choose_target, label
from pumpwatch_gui.gui.shell.page import PageContext

POLL_MS = 200
FILTER = "Workbook (*.xlsx);;CSV (*.csv);;Parquet (*.parquet)"


class ExportDialog(QDialog):
    """Exports quantities by pump over a span (Unix UTC). It can be cancelled, and closing it cancels."""

    def __init__(
        self,
        context: PageContext,
        wanted: Mapping[str, Sequence[str]],
        start_ns: int,
        end_ns: int,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export readings")
        self._context, self._wanted, self._span = context, wanted, (start_ns, end_ns)
        self.progress: ExportProgress | None = None
        count = sum(map(len, wanted.values()))
        many = "1 quantity" if count == 1 else f"{count} quantities"
        words = f"{many} of {', '.join(wanted)}, every reading from {minute(start_ns)} to {minute(end_ns)}"
        advice = "A workbook has real dates and numbers; CSV opens everywhere; Parquet is for programs that compute."
        self.path = QLineEdit(str(Path.home() / f"readings-{minute(start_ns)[:10]}.xlsx"))
        self.path.setAccessibleName("File")
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.bar.setAccessibleName("Progress")
        self.bar.hide()
        self.said = StatusText()
        self.choose = button("Choose…", "Choose the file", self._choose)
        self.start = button("Export", "Export", self.run)
        self.cancel = button("Close", "Cancel or close", self._cancel)
        self.start.setDefault(True)
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MS)
        self._poll.timeout.connect(self._show_progress)
        rows = (label(words, "heading"), label(advice, "dim"), hbox((self.path, 1), self.choose), self.bar, self.said)
        vbox(*rows, None, hbox(None, self.start, self.cancel), parent=self, margin=16, spacing=12)
        resize_within_screen(self, context.appearance.px(620), context.appearance.px(210))
        if not count:
            self.start.setEnabled(False)
            self.said.warn("No pen of now is drawn: add pens first")

    def _choose(self) -> None:
        choose_target(self, "Export readings", self.path.text(), FILTER, lambda path: self.path.setText(str(path)))

    def run(self) -> None:
        """Start it in the background."""
        if self.progress is not None:
            return
        self.progress = ExportProgress()
        self._show_running(True)
        history, site = self._context.station.history, self._context.station.site().name
        path = Path(self.path.text()).expanduser()
        job = partial(_job, history, self._wanted, self._span, path, self.progress, site)
        self._context.ask(job, partial(self._done, path), self._failed)

    def _show_running(self, is_running: bool) -> None:
        self.start.setEnabled(not is_running)
        self.path.setEnabled(not is_running)
        self.choose.setEnabled(not is_running)
        self.bar.setVisible(is_running)
        self.cancel.setText("Cancel" if is_running else "Close")
        if is_running:
            self._poll.start()
        else:
            self._poll.stop()
            self.progress = None

    def _show_progress(self) -> None:
        if self.progress is not None:
            self.bar.setValue(round(100 * self.progress.share))
            self.said.say(f"{self.progress.rows:,} rows")

    def _done(self, path: Path, rows: int) -> None:
        self._show_running(False)
        self.said.say(f"{rows:,} rows written to {path}")

    def _failed(self, error: Exception) -> None:
        self._show_running(False)
        if isinstance(error, ExportCancelledError):
            self.said.say(error_text(error))
        else:
            self.said.warn(error_text(error))

    def _cancel(self) -> None:
        if self.progress is None:
            self.accept()
        else:
            self.progress.cancel.set()
            self.said.say("cancelling")

    @override
    def reject(self) -> None:
        """Escape cancels what runs, and closes what does not."""
        self._cancel()

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        """Nothing goes on behind a window that is closed."""
        if self.progress is not None:
            self.progress.cancel.set()
        super().closeEvent(event)


def _job(
    history: Historian,
    wanted: Mapping[str, Sequence[str]],
    span: tuple[int, int],
    path: Path,
    progress: ExportProgress,
    site: str,
) -> int:
    """Runs off the GUI thread."""
    selection = select(history.recorded_pumps(), wanted, span[0], min(span[1], time.time_ns()))
    return export(history, selection, path, progress, site=site)
