"""Events: the journal of all that happened."""

from typing_extensions import override

from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.look.widgets import button
from pumpwatch_gui.gui.shell.page import Page, PageContext
from pumpwatch_gui.gui.tables.journal_panel import JournalPanel


class EventsPage(Page):
    """The whole journal, and the way to the hand-over of the shift."""

    key = "events"

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        over = button("Hand-over…", "Notes and the hand-over of the shift", self._hand_over, hint="Ctrl+Shift+H")
        self.journal = JournalPanel(context, acts=(over,))
        vbox((self.journal, 1), parent=self, margin=16)
        self.setFocusProxy(self.journal)

    @override
    def follow_replay(self) -> None:
        self.journal.reload()

    @override
    def on_event(self, event: Event) -> None:
        self.journal.note()

    @override
    def show_pump(self, pump_id: str) -> None:
        self.journal.show_pump(pump_id)

    def _hand_over(self) -> None:
        self.context.open_dialog("hand-over", "")
