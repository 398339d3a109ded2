"""The page that is there in a review or a viewer in place of one of a running program."""

from PySide6.QtCore import Qt

from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import Panel, button, label
from pumpwatch_gui.gui.shell.page import Page, PageContext

_WAYS = (
    ("trends", "Trends", "Quantities of any pumps over any stretch of time, as far back as the history goes."),
    ("pump", "Pump", "All sensors and derived quantities of one pump, one lane each."),
    ("alarms", "Alarms", "Those that are open, and how the alarms of a shift, a day or a month performed."),
    ("events", "Events", "The journal: alarms, links, orders and notes, with a search."),
    ("maintenance", "Maintenance", "Every maintenance event with its timeline and its costs."),
)


class ReviewPage(Page):
    """Says of what this is a review or a view, what `title` would need, and where the history can be read."""

    key = "review"

    def __init__(self, context: PageContext, title: str) -> None:
        super().__init__(context)
        view = context.station.latest()
        self.words = label(f"Review of {view.reviewed}." if view.reviewed else f"Seen through {view.seen_through}.")
        rest = (
            "the bar above turns the other pages to any second of the history."
            if view.reviewed
            else "look at it at the station itself."
        )
        nothing = "Here nothing is polled, judged or stored and nothing can be changed"
        need = label(f"{title} is of the program that runs a station. {nothing}; {rest}", "dim")
        for text in (self.words, need):
            text.setWordWrap(True)
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = vbox(parent=self, margin=16, spacing=16)
        column.addStretch(2)
        column.addWidget(label(view.name, "title"), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(hbox(None, (self.words, 6), None))
        column.addLayout(hbox(None, (need, 6), None))
        ways = [self._way(*way) for way in _WAYS]
        column.addLayout(hbox(None, *((way, 3) for way in ways), None, spacing=16))
        column.addStretch(3)

    def _way(self, key: str, title: str, words: str) -> Panel:
        text = label(words)
        text.setWordWrap(True)
        text.setAlignment(Qt.AlignmentFlag.AlignTop)
        panel = Panel(self.appearance, title, text)
        panel.body.addStretch(1)
        panel.body.addWidget(button(f"Open {title}", f"Open {title}", lambda: self.context.open_page(key)))
        panel.setMinimumHeight(self.appearance.px(170))
        return panel
