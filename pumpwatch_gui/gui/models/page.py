"""Models: a pump's models on the shelf; train, back-test, shadow, promote, roll back."""

import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QSplitter,
    QTabWidget,
    QTextBrowser,
    QVBoxLayout,
)
from typing_extensions import override

from pumpwatch_gui.commissioning.models import models_of
from pumpwatch_gui.domain.commands import (
    ModelCommand,
    Promote,
    Rebaseline,
    RollBack,
    SetAdaptive,
    StartShadow,
    StopShadow,
)
from pumpwatch_gui.domain.detection import Detection, NotScored
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.events import Event, OrderDone
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.wording import error_text, number
from pumpwatch_gui.gui.look.widgets import Panel, button, label, set_role
from pumpwatch_gui.gui.models.backtest_panel import BackTestPanel
from pumpwatch_gui.gui.models.material import bundle_of
from pumpwatch_gui.gui.models.training_panel import TrainPanel
from pumpwatch_gui.gui.shell.page import Page, PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel, stamp
from pumpwatch_gui.gui.tables.table_view import TableView
from pumpwatch_gui.infer.bundles.bundle import CARD_FILE
from pumpwatch_gui.infer.bundles.manifest import Manifest
from pumpwatch_gui.infer.bundles.registry import ModelRegistry, PumpModels, export_model
from pumpwatch_gui.infer.bundles.threshold_factor import threshold_factor_of

SLOW_S = 1.0


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model that a pump could use; `version` "" is the one that the site file names."""

    version: str
    made_ns: int
    state: str
    card: str
    path: Path | None
    manifest: Manifest | None = None


class ModelsPage(Page):
    """The shelf at the left, the work at the right."""

    key = "models"

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.pump: PumpSettings | None = None
        self.state = PumpModels()
        self._last_s = 0.0
        self.models: RowsModel[ModelRow] = RowsModel(_columns())
        self.train, self.back_test = TrainPanel(context), BackTestPanel(context)
        self._make_widgets()
        self._lay_out()
        self._fill_pumps()

    # ---------------------------------------------------------------- building

    def _make_widgets(self) -> None:
        self.chooser = QComboBox()
        self.chooser.setProperty("title", True)
        self.chooser.setAccessibleName("Pump")
        self.chooser.currentIndexChanged.connect(lambda _: self._choose_pump())
        self.active = label("", "dim")
        self.adaptive = QCheckBox("Adaptive threshold")
        self.adaptive.setAccessibleName("Let the threshold follow the pump within bounds")
        self.adaptive.setToolTip("2 % an hour at most, never below 85 % or above 130 %; each change is journalled")
        self.adaptive.clicked.connect(lambda on: self._order(SetAdaptive(self._id, bool(on))))
        self.rebaseline = button(
            "Re-baseline", "Take the present running of this pump as its new normal",
            lambda: self._order(Rebaseline(self._id)),
      )  # fmt: skip
        widths = {0: 112, 1: 112, 2: 80, 3: 48}
        self.view = TableView(self.appearance, self.models, "Models of this pump", widths=widths, stretch=4)
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._choose_model(now.row()))
        self.shadow_button = button("Start shadow", "Let the chosen model judge beside the active one",
                                    lambda: self._order(StartShadow(self._id, self.version)))  # fmt: skip
        self.stop_button = button("Stop shadow", "End the shadow of this pump",
                                  lambda: self._order(StopShadow(self._id)))  # fmt: skip
        self.promote_button = button("Promote", "Make the chosen model the active one",
                                     lambda: self._order(Promote(self._id, self.version)))  # fmt: skip
        self.back_button = button("Roll back", "Go back to the model before the last promotion",
                                  lambda: self._order(RollBack(self._id)))  # fmt: skip
        self.export_button = button("Export…", "Copy the chosen model with its card to a folder", self._choose_export)
        for waiting in (self.shadow_button, self.stop_button, self.promote_button, self.back_button,
                        self.export_button, self.rebaseline):  # fmt: skip
            waiting.setEnabled(False)
        self.shadow = label("", "dim")
        self.said = label("", "strong")
        for words in (self.shadow, self.said):
            words.setWordWrap(True)
        self.card = QTextBrowser()
        self.card.setAccessibleName("Card of the chosen model")
        self.card.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Train or back-test")
        self.tabs.addTab(self.train, "Train")
        self.tabs.addTab(self.back_test, "Back-test, sensitivity, episodes")
        self.train.stored.connect(self._stored)

    def _lay_out(self) -> None:
        head = Panel(self.appearance)
        head.setAccessibleName("Pump and active model")
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.chooser)
        row.addWidget(self.active)
        row.addStretch(1)
        row.addWidget(self.adaptive)
        row.addWidget(self.rebaseline)
        head.body.addLayout(row)
        registry = Panel(self.appearance, "Models of this pump")
        buttons = QGridLayout()
        buttons.setSpacing(6)
        for i, widget in enumerate(
            (self.shadow_button, self.promote_button, self.export_button, self.stop_button, self.back_button)
        ):
            buttons.addWidget(widget, i // 3, i % 3)
        buttons.setColumnStretch(3, 1)
        for part, stretch in ((self.view, 3), (self.shadow, 0), (self.said, 0), (self.card, 4)):
            registry.body.addWidget(part, stretch)
        registry.body.insertLayout(2, buttons)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(registry)
        split.addWidget(self.tabs)
        split.setHandleWidth(12)
        split.setChildrenCollapsible(False)
        split.setSizes([460, 600])
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(head)
        column.addWidget(split, 1)
        self.setFocusProxy(self.view)

    # ---------------------------------------------------------------- choosing

    @property
    def _id(self) -> str:
        return self.pump.pump_id if self.pump else ""

    @property
    def version(self) -> str:
        """The version of the chosen model, "" for the one that the site file names."""
        at = self.view.currentIndex().row()
        return self.models.rows[at].version if 0 <= at < len(self.models.rows) else ""

    def _fill_pumps(self) -> None:
        names = [f"{p.pump_id}  {p.name}" for p in self.context.station.site().pumps]
        if names != [self.chooser.itemText(i) for i in range(self.chooser.count())]:
            at = max(self.chooser.currentIndex(), 0)
            self.chooser.blockSignals(True)
            self.chooser.clear()
            self.chooser.addItems(names)
            self.chooser.setCurrentIndex(min(at, len(names) - 1))
            self.chooser.blockSignals(False)
            self._choose_pump()

    def _choose_pump(self) -> None:
        pumps, at = self.context.station.site().pumps, self.chooser.currentIndex()
        self.pump = pumps[at] if 0 <= at < len(pumps) else None
        self.said.setText("")
        if self.pump is not None:
            self.train.show_pump(self.pump)
        self.reload()

    @override
    def show_pump(self, pump_id: str) -> None:
        ids = [p.pump_id for p in self.context.station.site().pumps]
        if pump_id in ids:
            self.chooser.setCurrentIndex(ids.index(pump_id))

    def reload(self, choose: str | None = None) -> None:
        """Read the shelf of the pump, off the GUI thread; `choose` is the version to stand on then."""
        if self.pump is None:
            return
        pump, registry, folder = self.pump, models_of(self.context.home), self.context.station.site().folder
        wanted = self.version if choose is None else choose

        def read() -> tuple[PumpSettings, PumpModels, list[ModelRow], str]:
            state = registry.valid(pump.pump_id, site_model=pump.model)
            return pump, state, _rows(pump, registry, folder), wanted

        self.context.ask(read, self._show_models, self._failed)

    def _show_models(self, answer: tuple[PumpSettings, PumpModels, list[ModelRow], str]) -> None:
        pump, self.state, rows, wanted = answer
        if self.pump is None or pump.pump_id != self.pump.pump_id:
            return
        self.models.show_rows(rows)
        at = next((i for i, row in enumerate(rows) if row.version == wanted), 0)
        self.view.selectRow(at)
        self._choose_model(at)
        active = next((row for row in rows if "active" in row.state), None)
        self.active.setText(f"active: {_name(active)}" if active else "no model judges this pump")
        self.adaptive.setChecked(self.state.adaptive)

    def _choose_model(self, at: int) -> None:
        if self.pump is None or not 0 <= at < len(self.models.rows):
            return
        row = self.models.rows[at]
        active = row.version == self.state.active
        whole = row.manifest is not None
        self.card.setMarkdown(row.card)
        self.shadow_button.setEnabled(bool(row.version) and whole and not active and row.version != self.state.shadow)
        self.stop_button.setEnabled(bool(self.state.shadow))
        self.promote_button.setEnabled(bool(row.version) and whole and not active)
        self.back_button.setEnabled(bool(self.state.before))
        self.export_button.setEnabled(whole)
        self.rebaseline.setEnabled(self.pump.model != "none" or bool(self.state.active))
        self.back_test.show_model(self.pump, row.version, is_active=active)

    # ---------------------------------------------------------------- orders

    def _order(self, command: ModelCommand) -> None:
        self.context.order(command)

    @override
    def on_event(self, event: Event) -> None:
        if isinstance(event, OrderDone) and event.pump_id == self._id and event.command != "record":
            set_role(self.said, "strong" if event.ok else "warning")
            self.said.setText(event.text)
            if self.isVisible():
                self.reload()

    def _stored(self, version: str) -> None:
        self.reload(version)

    def _failed(self, error: Exception) -> None:
        set_role(self.said, "warning")
        self.said.setText(error_text(error))

    def _choose_export(self) -> None:
        dialog = QFileDialog(self, "Copy the model to a new folder inside", "")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda folder: self.export(Path(folder)))
        dialog.open()

    def export(self, folder: Path) -> None:
        """Copy the chosen model, card included, into a new folder of `folder`."""
        row = self.models.rows[self.view.currentIndex().row()]
        if row.path is not None and row.manifest is not None and self.pump is not None:
            source, out = row.path, folder / f"{self.pump.pump_id}-{row.manifest.version}"

            def copy() -> Path:
                export_model(source, out)
                return out

            self.context.ask(copy, self._exported, self._failed)

    def _exported(self, out: Path) -> None:
        set_role(self.said, "strong")
        self.said.setText(f"Copied to {out}")

    # ---------------------------------------------------------------- living

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Read the shelf anew when the page is turned to."""
        super().showEvent(event)
        self._fill_pumps()
        self.reload()

    @override
    def refresh(self, view: StationView) -> None:
        now = time.monotonic()
        if now - self._last_s < SLOW_S:
            return
        self._last_s = now
        self._fill_pumps()
        pump = next((p for p in view.pumps if p.pump_id == self._id), None)
        self.shadow.setText(self._judgement(pump) if pump else "")

    def _judgement(self, pump: PumpView) -> str:
        """How the active model and its shadow judge now."""
        words = f"Active: {_score_result(pump.score_result)}."
        shadow = pump.shadow
        if shadow is None:
            return words
        share = 100 * shadow.in_alarm / shadow.scored if shadow.scored else 0.0
        return (
            f"{words} Shadow {shadow.version}: {_score_result(shadow.score_result)}; {shadow.scored:,} windows, "
            f"{len(shadow.episodes)} episodes, {share:.1f} % in alarm."
        )


def _rows(pump: PumpSettings, registry: ModelRegistry, folder: Path | None) -> list[ModelRow]:
    """The site file's model, then the stored ones, newest first. Blocks."""
    rows: list[ModelRow] = []
    state = registry.valid(pump.pump_id, site_model=pump.model)
    if pump.model != "none":
        word = "site file" if state.active else "site file, active"
        try:
            bundle = bundle_of(registry, pump, "", folder)
            made_ns = (bundle.path / CARD_FILE).stat().st_mtime_ns
            rows.append(ModelRow("", made_ns, word, bundle.card, bundle.path, bundle.manifest))
        except PumpWatchError as error:
            rows.append(ModelRow("", 0, f"{word}: not usable", error_text(error), None))
    for stored in registry.models(pump.pump_id):
        words = [word for word, on in (("active", stored.version == state.active), ("shadow", stored.is_shadow)) if on]
        state_words = "altered, refused" if stored.error else ", ".join(words) or "stored"
        card = stored.error or (stored.path / CARD_FILE).read_text("utf-8")
        manifest = None if stored.error else stored.manifest
        rows.append(ModelRow(stored.version, stored.path.stat().st_mtime_ns, state_words, card, stored.path, manifest))
    return rows


def _score_result(score_result: object) -> str:
    if isinstance(score_result, Detection):
        return f"score {number(score_result.score, 2)}"
    return score_result.why if isinstance(score_result, NotScored) else "not judged yet"


def _name(row: ModelRow) -> str:
    if row.manifest is None:
        return "not usable"
    return f"{row.version or row.manifest.name} · {row.manifest.kind}"


def _columns() -> list[Column[ModelRow]]:
    def hours(row: ModelRow) -> str:
        return f"{row.manifest.trained['running_h']:.1f} h" if row.manifest else ""

    def sensitivity(row: ModelRow) -> str:
        return f"{threshold_factor_of(row.manifest):g}" if row.manifest else ""

    return [
        Column("Version", lambda r: r.version or (r.manifest.name if r.manifest else "–"), tip=lambda r: r.version),
        Column("State", lambda r: r.state, tip=lambda r: r.state),
        Column("Trained on", hours, right=True),
        Column("Sens.", sensitivity, right=True),
        Column("Made", lambda r: stamp(r.made_ns)[:-3] if r.made_ns else "–"),
    ]
