"""The cost table that counts: its rows, its factors, where it is changed, and what is wrong in the site's own file."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QWidget

from pumpwatch_gui.commissioning.maintenance import COST_FILE, cost_table
from pumpwatch_gui.domain.maintenance.costs import ANOMALY, CostRow, CostTable
from pumpwatch_gui.domain.pump.limit_words import KIND_WORDS
from pumpwatch_gui.domain.wording import money
from pumpwatch_gui.gui.look.layout import resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

_LEVELS = {**KIND_WORDS, "high*": "high and high-high", "low*": "low and low-low", "*": "any limit"}


class CostDialog(QDialog):
    """Reads the table when it is opened."""

    def __init__(self, context: PageContext, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Cost table")
        resize_within_screen(self, context.appearance.px(760), context.appearance.px(520))
        site, self._least = context.station.site(), ""
        currency = site.currency
        labels = {sensor.tag: sensor.label for pump in site.pumps for sensor in pump.profile.quantities}
        columns = [
            Column[CostRow](
                "Alarm", lambda r: alarm_words(r.alarm, labels), tip=lambda r: f"{r.alarm} in the file", elided=True
            ),
            Column[CostRow]("Cost", lambda r: money(r.estimated_cost, currency), right=True),
            Column[CostRow]("Critical value", _critical),
            Column[CostRow](
                "From priority", lambda r: r.from_priority.name.lower() if r.from_priority else self._least
            ),
            Column[CostRow]("Row of", lambda r: "this site" if r.is_own else "PumpWatch"),
        ]
        self.rows: RowsModel[CostRow] = RowsModel(columns, key=lambda r: (r.alarm, r.is_own))
        view = TableView(context.appearance, self.rows, "Cost table", many=True)
        self.factors, self.trouble = label(""), StatusText()
        where = label(f"Change it in {context.site_file.with_name(COST_FILE)}; the help says how.", "dim")
        where.setWordWrap(True)
        box = QDialogButtonBox()
        box.addButton(button("Close", "Close", self.reject), QDialogButtonBox.ButtonRole.RejectRole)
        vbox(self.factors, (view, 1), where, self.trouble, box, parent=self, margin=16, spacing=12)
        context.ask(partial(cost_table, context.site_file), self._show)

    def _show(self, found: tuple[CostTable, str]) -> None:
        table, wrong = found
        self._least = table.from_priority.name.lower()
        factors = ",  ".join(f"{severity.name.lower()} × {factor:g}" for severity, factor in table.factors.items())
        self.factors.setText(f"Estimate = cost × factor of the severity:  {factors}")
        self.rows.show_rows(table.rows)
        self.trouble.warn(wrong)


def alarm_words(pattern: str, labels: Mapping[str, str]) -> str:
    """Which alarms a pattern of the table is for (`Bearing temperature: high and high-high`).

    A pattern that is none of a tag by its label (`labels`, by tag) stays as it is written in the file.
    """
    first, _, rest = pattern.partition(".")
    if first == ANOMALY:
        return "Anomaly, any leading sensor" if rest == "*" else f"Anomaly, led by {labels.get(rest, rest)}"
    if pattern == "*":
        return "Any other alarm"
    words = _LEVELS.get(rest)
    return f"{labels[first]}: {words}" if first in labels and words is not None else pattern


def _critical(row: CostRow) -> str:
    bounds = (("above", row.critical_above), ("below", row.critical_below))
    return ", ".join(f"{word} {value:g}" for word, value in bounds if value is not None)
