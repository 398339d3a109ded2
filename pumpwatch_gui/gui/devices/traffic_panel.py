"""The traffic monitor: what goes over the wire of one link, as bytes and in words."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.ports import Packet, TrafficTap
from pumpwatch_gui.domain.wording import error_text, local_time
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, choose_target, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

KEPT = 2000
"""Packets that the monitor shows; older ones leave it."""

TAKE_MS = 200
HINT = "Choose a line to see all of its bytes. Traffic is kept only while this panel is on the screen."


class TrafficPanel(QWidget):
    """Watches the chosen link while it is on show, and only then."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context = context
        self.link_id = ""
        self.packets: RowsModel[Packet] = RowsModel(_columns(), key=lambda p: p.mono_ns)
        self._traffic: TrafficTap | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(TAKE_MS)
        self._timer.timeout.connect(self.take)
        self.pause = QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.setAccessibleName("Pause the traffic to read it")
        self.pause.toggled.connect(self._paused)
        self.clear_button = button("Clear", "Clear the traffic", self.clear)
        self.save_button = button("Save…", "Save the traffic to a file", self._choose_file)
        self.count = label("", "dim")
        self.view = TableView(context.appearance, self.packets, "Traffic", many=True, nothing="No packets yet")
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._choose(now.row()))
        self.whole = StatusText(HINT)
        self.whole.setAccessibleName("Chosen packet")
        head = hbox(self.pause, self.clear_button, self.save_button, None, self.count, spacing=6)
        vbox(head, (self.view, 1), self.whole, parent=self, margin=12)

    def show_link(self, link_id: str) -> None:
        """Turn to a link; what was seen of the other is dropped."""
        if link_id != self.link_id:
            self.link_id = link_id
            self.clear()
            if self.isVisible():
                self._watch()

    def take(self) -> None:
        """Show what came since the last time; while paused it waits, and the oldest is dropped and counted."""
        if self._traffic is None or self.pause.isChecked():
            return
        bar = self.view.verticalScrollBar()
        follows = not self.packets.is_sorted and bar.value() >= bar.maximum() - 2
        came = self._traffic.take()
        if not came:
            return
        self.packets.append(came)
        self.packets.keep_last(KEPT)
        if follows:
            self.view.scrollToBottom()
        dropped = f", {self._traffic.dropped:,} dropped" if self._traffic.dropped else ""
        self.count.setText(f"{len(self.packets.rows):,} packets{dropped}")

    def clear(self) -> None:
        """Forget what was seen."""
        self.packets.show_rows([])
        self.count.setText("")
        self.whole.say(HINT)

    def save(self, path: Path) -> None:
        """Write what is shown to a text file, off the GUI thread."""
        rows = tuple(self.packets.given)
        self.context.ask(lambda: _write(path, rows), self._saved, self._failed)

    def _saved(self, path: Path) -> None:
        self.whole.say(f"Saved to {path}")

    def _failed(self, error: Exception) -> None:
        self.whole.warn(f"not saved: {error_text(error)}")

    def _choose_file(self) -> None:
        start = f"{self.link_id.replace('/', '-')}.txt"
        choose_target(self, "Save the traffic", start, "Text (*.txt)", self.save)

    def _paused(self, on: bool) -> None:
        self.pause.setText("Resume" if on else "Pause")
        self.take()

    def _choose(self, at: int) -> None:
        if 0 <= at < len(self.packets.rows):
            packet = self.packets.rows[at]
            self.whole.say(f"{packet.text}\n{packet.hex}")

    def _watch(self) -> None:
        self._end()
        if self.link_id:
            self._traffic = self.context.station.links.traffic(self.link_id)
            self.count.setText("waiting for the next request …")
            self._timer.start()

    def _end(self) -> None:
        self._timer.stop()
        if self._traffic is not None:
            self._traffic.close()
            self._traffic = None

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Begin to watch."""
        super().showEvent(event)
        self._watch()
        self.take()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        """Watch no longer; what was seen stays to be read."""
        self._end()
        super().hideEvent(event)


def _columns() -> list[Column[Packet]]:
    return [
        Column("Time", lambda p: local_time(p.time_ns, f"%H:%M:%S.{p.time_ns // 1_000_000 % 1000:03d}")),
        Column("Direction", lambda p: "→ sent" if p.sent else "← received"),
        Column("Meaning", lambda p: p.text, elided=True),
        Column("Bytes", lambda p: p.hex, elided=True),
    ]


def _write(path: Path, packets: Sequence[Packet]) -> Path:
    lines = (
        f"{datetime.fromtimestamp(p.time_ns / 1e9).astimezone().isoformat(timespec='milliseconds')}\t{p.link_id}\t"
        f"{'sent' if p.sent else 'received'}\t{p.hex}\t{p.text}\n"
        for p in packets
    )
    path.write_text("".join(lines), "utf-8")
    return path
