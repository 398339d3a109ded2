"""The line above the lists that says that there is a flood, or that it is over, and which view fits."""

from PySide6.QtWidgets import QSizePolicy

from pumpwatch_gui.domain.alarms.flood import FloodWatch
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.gui.look.widgets import StatusText


class FloodNotice(StatusText):
    """Empty while all is calm. It changes no view: the reader does. It takes the room that is left."""

    def __init__(self) -> None:
        super().__init__()
        self.watch = FloodWatch()
        self.setWordWrap(False)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def refresh(self, view: StationView, *, is_by_pump: bool) -> None:
        """Count again, and say what fits the list on show."""
        self.watch.see(view.alarms, view.time_ns)
        count = self.watch.count
        many = f"{count} alarm{'s' * (count != 1)} in 10 min"
        if self.watch.is_flood:
            words = f"▲ Flood: {many}" + ("" if is_by_pump else " – choose By pump")
        else:
            words = f"No flood: {many} – go back to Active when you like" if is_by_pump else ""
        if words != self.text():
            self.say(words, "warning" if self.watch.is_flood else "dim")
            self.setToolTip(words)
