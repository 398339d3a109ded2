"""How the sync with a server goes; pause, resume, and a span to send again."""

from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialog, QGridLayout, QLineEdit, QWidget

from pumpwatch_gui.commissioning.export.spans import span_ns
from pumpwatch_gui.commissioning.sync_setup import try_sync
from pumpwatch_gui.domain.commands import Command, PauseSync, ResendSpan, ResumeSync
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.sync import SyncSettings, SyncState, SyncView
from pumpwatch_gui.domain.wording import duration, error_text
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import Panel, StatusText, button, label, set_role
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.sync.trial_panel import Job, TrialPanel

RENEW_MS = 500
OFF = "Off: nothing is sent."
_FIGURES = ("Server", "Account", "Sends", "Waiting", "Behind by", "Sent since the start", "In quarantine")


class SyncDialog(QDialog):
    """State and figures, renewed twice a second; nothing here reads a file or the network."""

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Sync with a server")
        self.state = label("", "heading")
        self.error = label("", "warning")
        self.error.setWordWrap(True)
        self.figures = {name: label("–", "live") for name in _FIGURES}
        self.start, self.end = QLineEdit(), QLineEdit()
        for field, name, hint in ((self.start, "From", "2026-10-25 14:30"), (self.end, "To", "now")):
            field.setAccessibleName(name)
            field.setPlaceholderText(hint)
        self.trouble = StatusText()
        self.pause = button("Pause", "Send nothing for now", self.toggle)
        self.again = button("Send again", "Send everything of the span again", self.send_again)
        self.refused = button(
            "Show…", "Show the rows in quarantine", partial(context.open_dialog, "quarantine", "", self)
        )
        self.set_up = button(
            "Set up…", "Set up the sync with a server", partial(context.open_dialog, "sync-setup", "", self)
        )
        self.set_up.setVisible("sync-setup" in context.dialogs)
        self.trial = TrialPanel(context, self._trial)
        again = Panel(context.appearance, "Send a span again")
        words = label("Also what was written before sync was on, and imported recordings. Nothing comes twice.", "dim")
        words.setWordWrap(True)
        again.body.addWidget(words)
        again.body.addLayout(hbox(label("From"), (self.start, 1), label("to"), (self.end, 1), self.again))
        close = button("Close", "Close", self.reject)
        close.setDefault(True)
        head, foot = hbox(self.state, None, self.pause, self.set_up), hbox((self.trouble, 1), close)
        parts = head, self.error, self._table(), self.trial, again, None, foot
        vbox(*parts, parent=self, margin=16, spacing=12)
        resize_within_screen(self, context.appearance.px(660), context.appearance.px(540))
        renew = QTimer(self)
        renew.timeout.connect(self.renew)
        renew.start(RENEW_MS)
        self.renew()

    def _table(self) -> QWidget:
        table = QWidget()
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(self.figures.items()):
            value.setAccessibleName(name)
            value.setWordWrap(True)
            is_last = row == len(self.figures) - 1  # it has a button
            where = Qt.AlignmentFlag.AlignVCenter if is_last else Qt.AlignmentFlag.AlignTop
            grid.addWidget(label(name, "dim"), row, 0, where)
            grid.addWidget(value, row, 1)
        grid.addWidget(self.refused, len(self.figures) - 1, 2)
        return table

    # ---------------------------------------------------------------- living

    def renew(self) -> None:
        """Show how it goes now."""
        view, settings = self.context.station.latest().sync, self.context.station.site().sync
        is_on = view is not None
        for part in (self.pause, self.again, self.start, self.end):
            part.setEnabled(is_on)
        self.trial.run_button.setEnabled(settings is not None or self.trial.is_running)
        self.set_up.setText("Change…" if settings is not None else "Set up…")
        self.state.setText(view.state.value.capitalize() if view else OFF)
        self.error.setText(view.error if view and view.state is SyncState.TROUBLE else "")
        self.error.setVisible(bool(self.error.text()))
        self.pause.setText("Resume" if view and view.state is SyncState.PAUSED else "Pause")
        for name, text in _texts(view, settings).items():
            self.figures[name].setText(text)
        set_role(self.figures["In quarantine"], "warning" if view and view.quarantined else "live")

    def _trial(self) -> Job:
        settings, station = self.context.station.site().sync, self.context.station.site().station
        if settings is None:
            raise InputError("nothing is set up to be tested", "press Set up")
        home = self.context.home.path
        return lambda cancelled: try_sync(home, settings, station, cancelled=cancelled)

    def toggle(self) -> None:
        """Pause, or go on."""
        view = self.context.station.latest().sync
        self._order(ResumeSync() if view and view.state is SyncState.PAUSED else PauseSync())

    def send_again(self) -> None:
        """Order that the span which was typed be sent again."""
        try:
            now_ns = self.context.station.latest().time_ns
            start_ns, end_ns = span_ns(self.start.text(), self.end.text(), now_ns=now_ns)
        except InputError as error:
            self.trouble.warn(error_text(error))
            return
        self._order(ResendSpan(start_ns, end_ns))

    def _order(self, command: Command) -> None:
        self.trouble.say("")
        self.context.order(command, self._done)

    def _done(self, outcome: OrderDone) -> None:
        (self.trouble.say if outcome.ok else self.trouble.warn)(outcome.text[:1].upper() + outcome.text[1:])
        self.renew()


def _texts(view: SyncView | None, settings: SyncSettings | None) -> dict[str, str]:
    texts = dict.fromkeys(_FIGURES, "–")
    if settings is not None:
        texts |= {"Server": settings.url, "Account": settings.account, "Sends": settings.stream_words}
    if view is not None:
        texts |= {
            "Waiting": f"{view.backlog:,} rows" if view.backlog else "nothing",
            "Behind by": duration(view.lag_s) if view.lag_s >= 1 else "less than a second",
            "Sent since the start": f"{view.sent:,} rows",
            "In quarantine": f"{view.quarantined:,} rows" if view.quarantined else "none",
        }
    return texts
