"""A note on a time of the trends: of which pump, and what it says."""

from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QWidget
from typing_extensions import override

from pumpwatch_gui.domain.commands import Annotate, Command
from pumpwatch_gui.domain.wording import stamp
from pumpwatch_gui.gui.forms.order_dialog import OrderDialog
from pumpwatch_gui.gui.shell.page import PageContext

STATION = "the station"


class AnnotateDialog(OrderDialog):
    """Writes a note on `at_s` (Unix seconds) to the journal; one of `pump_ids` or of the station."""

    def __init__(self, context: PageContext, pump_ids: Sequence[str], at_s: float, parent: QWidget) -> None:
        about_ns = round(at_s * 1e9)
        super().__init__(context, f"Note on {stamp(about_ns)}", "Write", parent, height=240)
        self._about_ns = about_ns
        self.pump = QComboBox()
        for pump_id in dict.fromkeys(pump_ids):
            self.pump.addItem(context.title_of(pump_id), pump_id)
        self.pump.addItem(STATION, "")
        self.put("About", self.pump)
        self.text = self.add_text("Note")
        self.begin(self.text)

    @property
    @override
    def command(self) -> Command:
        text = " ".join(self.text.toPlainText().split())
        if not text:
            raise ValueError("Write what there is to say")
        return Annotate(text, self._about_ns, str(self.pump.currentData()))
