"""A log of another system as history of a pump: which file, what was understood of it, and what came of it."""

from dataclasses import replace
from functools import partial
from math import isnan
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QLineEdit, QProgressBar, QWidget

from pumpwatch_gui.commissioning.import_recording import ImportPlan, PlannedColumn, plan_import, staged
from pumpwatch_gui.domain.commands import CancelImport, ImportReadings
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.station import ImportView
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.domain.wording import error_text, unit_text
from pumpwatch_gui.gui.forms.format_fields import AS_FOUND, FormatFields
from pumpwatch_gui.gui.look.layout import hbox, resize_within_screen, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

RENEW_MS = 200
KINDS = "Recordings (*.csv *.txt *.tsv *.dat *.gz *.zip);;All files (*)"
NO_FILE = "What the file has of each sensor is listed here"
FIRST = "Choose a log of another system: CSV or text, also compressed"


class ImportDialog(QDialog):
    """The file is read and judged in the background; the import itself is an order, and goes on without the dialog."""

    def __init__(self, context: PageContext, pump_id: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Import a recording")
        self._context = context
        self._asked, self._columns = 0, dict[str, str]()
        self.plan: ImportPlan | None = None
        self.is_ordered = False
        self._make_choice(pump_id)
        self.fields = FormatFields()
        self.fields.changed.connect(self.read)
        self.rows: RowsModel[PlannedColumn] = RowsModel(_columns(), key=lambda row: row.sensor.tag)
        self.table = TableView(context.appearance, self.rows, "What was understood", nothing=NO_FILE)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_choice())
        self.column = QComboBox()
        self.column.setAccessibleName("Column of the chosen sensor")
        self.column.activated.connect(lambda _: self._choose_column())
        self.column_of = label("", "dim")
        self.said, self.facts, self.outcome = StatusText(FIRST), label("", "dim"), StatusText()
        self.facts.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress")
        self.bar.hide()
        self.choose = button("Choose…", "Choose the file", self._choose)
        self.start = button("Import", "Import", self.run)
        self.start.setDefault(True)
        self.cancel = button("Cancel import", "End the import under way", self._cancel)
        self.close_button = button("Close", "Close", self.reject)
        self._lay_out()
        self._renew = QTimer(self)
        self._renew.timeout.connect(self.renew)
        self._renew.start(RENEW_MS)
        self._show_choice()
        self.renew()

    def _make_choice(self, pump_id: str) -> None:
        """Which file, and which pump."""
        self.path, self.file_pump = QLineEdit(), QLineEdit()
        for field, name in ((self.path, "File"), (self.file_pump, "Pump in the file")):
            field.setAccessibleName(name)
            field.editingFinished.connect(self.read)
        self.path.setPlaceholderText("log.csv")
        self.file_pump.setPlaceholderText("the only one")
        self.file_pump.setToolTip("Of a file with one value a row of several pumps: which one")
        self.pump = QComboBox()
        self.pump.setAccessibleName("Import to")
        for pump in self._context.station.site().pumps:
            self.pump.addItem(self._context.title_of(pump.pump_id), pump.pump_id)
        self.pump.setCurrentIndex(max(self.pump.findData(pump_id), 0))
        self.pump.currentIndexChanged.connect(lambda _: self._turn_to_pump())

    def _lay_out(self) -> None:
        px = self._context.appearance.px
        self.file_pump.setFixedWidth(px(120))
        self.column.setMinimumWidth(px(260))
        of = hbox(label("Import to", "heading"), self.pump, None, label("Pump in the file", "dim"), self.file_pump)
        vbox(
            hbox(label("File", "heading"), (self.path, 1), self.choose), of, self.fields, self.said, (self.table, 1),
            hbox(self.column_of, self.column, None), self.facts, self.bar,
            hbox((self.outcome, 1), self.start, self.cancel, self.close_button), parent=self, margin=16, spacing=10,
        )  # fmt: skip
        resize_within_screen(self, px(860), px(620))

    # ---------------------------------------------------------------- the file

    def _choose(self) -> None:
        dialog = QFileDialog(self, "Recording of another system", self.path.text() or str(Path.home()), KINDS)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.use)
        dialog.open()

    def use(self, path: str) -> None:
        """Read this file."""
        self.path.setText(path)
        self._columns = {}
        self.read()

    def _turn_to_pump(self) -> None:
        self._columns = {}
        self.read()

    def _choices(self) -> FormatChoices:
        """What is chosen; raises ValueError for what does not go together."""
        columns = tuple(self._columns.items())
        return replace(self.fields.choices, columns=columns, pump=self.file_pump.text().strip())

    def read(self) -> None:
        """Read the file as it is chosen, off the GUI thread; of several readings under way the last counts."""
        if not self.path.text().strip() or self.is_ordered:
            return
        self._asked += 1
        self.plan = None
        self._show_start()
        self.outcome.say("")
        try:
            choices = self._choices()
        except ValueError as error:
            self._failed(self._asked, error)
            return
        self.said.say("reading …")
        path, home, site = Path(self.path.text()).expanduser(), self._context.home, self._context.station.site()
        job = partial(plan_import, path, home, site, self.pump.currentData(), choices)
        self._context.ask(job, partial(self._planned, self._asked), partial(self._failed, self._asked))

    def _planned(self, asked: int, plan: ImportPlan) -> None:
        if asked != self._asked:
            return
        self.plan = plan
        understood = plan.recording.understood
        self.said.say(f"Read as {understood.words()}" if understood is not None else "")
        self.rows.show_rows(plan.columns)
        self.facts.setText("\n".join(_facts(plan)))
        if not plan.time_ns.size:
            self.outcome.warn("Nothing of it is left to import")
        self._show_choice()
        self._show_start()

    def _failed(self, asked: int, error: Exception) -> None:
        if asked != self._asked:
            return
        self.said.warn(error_text(error))
        self.rows.show_rows([])
        self.facts.setText("")
        self._show_choice()

    # ---------------------------------------------------------------- the column of a sensor

    def _chosen(self) -> PlannedColumn | None:
        return self.rows.row_at(self.table.chosen)

    def _show_choice(self) -> None:
        row = self._chosen()
        understood = self.plan.recording.understood if self.plan is not None else None
        can_choose = row is not None and understood is not None and not self.is_ordered
        self.column.setEnabled(can_choose)
        self.column.clear()
        self.column_of.setText("Choose a sensor above to give it another column")
        if row is not None and understood is not None:
            self.column_of.setText(f"{row.sensor.label} from")
            self.column.addItem(AS_FOUND, "")
            for name in sorted({*understood.unused, *(name for _, name in understood.columns)}):
                self.column.addItem(name, name)
            self.column.setCurrentIndex(max(self.column.findData(self._columns.get(row.sensor.tag, "")), 0))

    def _choose_column(self) -> None:
        row, name = self._chosen(), str(self.column.currentData())
        if row is None or name == self._columns.get(row.sensor.tag, ""):
            return
        self._columns.pop(row.sensor.tag, None)
        if name:
            self._columns = {tag: own for tag, own in self._columns.items() if own != name} | {row.sensor.tag: name}
        self.read()

    # ---------------------------------------------------------------- the import

    def run(self) -> None:
        """Order what the preview shows."""
        if self.plan is None or self.is_ordered:
            return
        self.is_ordered = True
        self._show_start()
        self.outcome.say("handing it over …")
        self._context.ask(partial(staged, self.plan, self._context.home), self._order, self._not_ordered)

    def _order(self, command: ImportReadings) -> None:
        self._context.order(command, self._done)

    def _not_ordered(self, error: Exception) -> None:
        self.is_ordered = False
        self.outcome.warn(error_text(error))
        self._show_start()

    def _done(self, done: OrderDone) -> None:
        self.is_ordered = False
        self.plan = None  # what it left out is history by now: read again before another
        words = done.text[:1].upper() + done.text[1:]
        if done.ok:
            self.outcome.say(words)
        else:
            self.outcome.warn(words)
        self.renew()

    def _cancel(self) -> None:
        self._context.order(CancelImport())
        self.outcome.say("cancelling after the day that is being written …")

    def renew(self) -> None:
        """Show how far the import under way is, whoever ordered it."""
        view = self._context.station.latest().importing
        self.bar.setVisible(view is not None)
        self.cancel.setEnabled(view is not None)
        if view is not None:
            self.bar.setValue(round(1000 * view.done / max(view.total, 1)))
            self.bar.setFormat(_progress(view))
        self._show_start()

    def _show_start(self) -> None:
        is_free = not self.is_ordered and self._context.station.latest().importing is None
        self.start.setEnabled(is_free and self.plan is not None and self.plan.time_ns.size > 0)
        for part in (self.path, self.choose, self.pump, self.file_pump, self.fields):
            part.setEnabled(not self.is_ordered)


def _progress(view: ImportView) -> str:
    return f"{view.source} to {view.pump_id}: {view.done:,} of {view.total:,}"


def _facts(plan: ImportPlan) -> list[str]:
    """The span, what is left out, and what no sensor takes."""
    facts = [plan.span_words]
    if plan.in_the_way:
        facts.append(f"{plan.in_the_way:,} of them are of minutes with history of {plan.pump_id}: they are left out")
    facts.append(f"{plan.time_ns.size:,} will be history of {plan.pump_id}")
    understood = plan.recording.understood
    if understood is not None and understood.unused:
        facts.append(f"No sensor takes: {', '.join(understood.unused)}")
    return facts


def _columns() -> list[Column[PlannedColumn]]:
    def span(row: PlannedColumn) -> str:
        if isnan(row.low):
            return "–"
        return f"{row.low:.12g} to {row.high:.12g} {unit_text(row.sensor.unit)}".rstrip()

    return [
        Column("Sensor", lambda row: row.sensor.label),
        Column("Column of the file", lambda row: row.name or "none", elided=True),
        Column("Values", span, right=True),
        Column("Empty", lambda row: f"{row.empty:,}" if row.name else "–", right=True),
        Column("Outside, left out", lambda row: f"{row.outside:,}" if row.name else "–", right=True),
    ]
