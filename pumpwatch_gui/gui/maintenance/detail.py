"""The foot of the Maintenance page: what the chosen event is about, what to do, who does it, what was noted."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from typing_extensions import override

from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.gui.look import paint
from pumpwatch_gui.gui.look.text_column import PageFoot, paint_column
from pumpwatch_gui.gui.maintenance.rows import Paragraphs, details
from pumpwatch_gui.gui.shell.page import PageContext


class WorkDetail(PageFoot):
    """One event in four columns."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "Chosen event")
        self._context = context
        self._columns: Paragraphs = ()
        self.show_event(None)

    def show_event(self, event: MaintenanceEvent | None) -> None:
        """Show what there is of an event; None: nothing is chosen."""
        columns = () if event is None else details(event, *self._named(event))
        if columns != self._columns or not columns:
            self._columns = columns
            self._choose(bool(columns))
            words = ". ".join(f"{heading}: {', '.join(lines)}" for heading, lines in columns)
            self.describe(words or "Nothing is chosen")
            self.update()

    def _named(self, event: MaintenanceEvent) -> tuple[str, int | None]:
        """What its tag is called, and its decimals on the pages; None where the value is not of the tag itself."""
        pump = self._context.shown_site().pump(event.pump_id)
        sensors = {sensor.tag: sensor for sensor in pump.profile.quantities} if pump is not None else {}
        sensor = sensors.get(event.tag)
        if sensor is None:
            return event.tag, None
        return sensor.label, sensor.decimals if sensor.unit == event.unit else None

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        appearance, theme, px = self.appearance, self.appearance.theme, self.appearance.px
        painter = QPainter(self)
        whole = QRectF(self.rect())
        if not self._columns:
            words = "Choose an event to see what to do and what was noted"
            paint.text(painter, appearance, whole, words, theme.dim, align=paint.CENTRE)
        count, gap = len(self._columns) or 1, px(24)
        width = (whole.width() - gap * (count - 1)) / count
        for i, (heading, lines) in enumerate(self._columns):
            # The dialog of the notes has those that are left out here.
            area = QRectF(whole.left() + i * (width + gap), whole.top(), width, whole.height())
            paint_column(painter, appearance, area, heading, lines)
        painter.end()
