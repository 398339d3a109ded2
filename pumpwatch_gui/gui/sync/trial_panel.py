"""Testing the connection to the server: a line a thing that sending needs, with what to do where it is missing."""

import threading
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.sync import SyncCheck
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen
from pumpwatch_gui.gui.look.widgets import Panel, SpokenLabel, StatusText, button, label, set_role
from pumpwatch_gui.gui.shell.page import PageContext

Job = Callable[[Callable[[], bool]], list[SyncCheck]]
"""Makes the trial, off the GUI thread; it is handed what says that it was cancelled."""
_WORDS = {True: "OK", False: "Wrong", None: "–"}


class TrialPanel(Panel):
    """`prepare` gives the trial of what is filled in, or raises InputError in words. A trial can be cancelled."""

    def __init__(self, context: PageContext, prepare: Callable[[], Job]) -> None:
        self.run_button = button("Test connection", "Test the connection to the server", self.run)
        super().__init__(context.appearance, "Connection", head=[self.run_button])
        self._context, self._prepare = context, prepare
        self._cancel: threading.Event | None = None
        self.said = StatusText("Not tested yet. A test writes nothing.")
        self.lines: list[tuple[SpokenLabel, SpokenLabel, SpokenLabel]] = []
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(2, 1)
        self._table.hide()
        self.body.addLayout(hbox((self.said, 1)))
        self.body.addWidget(self._table)
        self._stop = stop = threading.Event()
        self.destroyed.connect(lambda _: stop.set())

    @property
    def is_running(self) -> bool:
        """Whether a trial is under way."""
        return self._cancel is not None

    def run(self) -> None:
        """Begin a trial, or cancel the one that is under way."""
        if self._cancel is not None:
            self._cancel.set()
            self._end("Cancelled.")
            return
        try:
            job = self._prepare()
        except InputError as error:
            self.said.warn(error_text(error))
            self.said.show()
            return
        cancel, stop = threading.Event(), self._stop
        self._cancel = cancel
        self.run_button.setText("Cancel")
        self.said.say("Testing; this may take some seconds…")
        self.said.show()
        asked = partial(job, lambda: cancel.is_set() or stop.is_set())
        self._context.ask(asked, partial(self.show_checks, cancel), partial(self.show_failure, cancel))

    def _end(self, words: str) -> None:
        self._cancel = None
        self.run_button.setText("Test connection")
        self.said.say(words)
        self.said.setVisible(bool(words))

    def show_checks(self, cancel: threading.Event, checks: list[SyncCheck]) -> None:
        """Show what was found, unless that trial was cancelled."""
        if self._cancel is not cancel:
            return
        self._end("")
        while len(self.lines) < len(checks):
            row = label(""), label("", "dim"), label("")
            row[2].setWordWrap(True)
            row[2].setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            for column, part in enumerate(row):
                part.setAlignment(Qt.AlignmentFlag.AlignTop)  # of the layout it would cost the further lines of words
                self._grid.addWidget(part, len(self.lines), column)
            self.lines.append(row)
        for (state, name, words), check in zip(self.lines, checks, strict=True):
            state.setText(_WORDS[check.is_ok])
            set_role(state, {True: "strong", False: "warning", None: "dim"}[check.is_ok])
            name.setText(check.name)
            words.setText(f"{check.words} – {check.advice}" if check.advice else check.words)
            set_role(words, "warning" if check.is_ok is False else "dim" if check.is_ok is None else "")
        self._table.show()
        window = self.window()  # words that wrap do not make it grow by themselves
        layout = window.layout()
        height = layout.heightForWidth(window.width()) if layout is not None else 0
        if height > window.height():
            resize_within_screen(window, window.width(), height)

    def show_failure(self, cancel: threading.Event, error: Exception) -> None:
        """Say why there was no trial, unless it was cancelled."""
        if self._cancel is cancel:
            self._end("")
            self.said.warn(error_text(error))
            self.said.show()
