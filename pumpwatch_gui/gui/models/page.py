"""Models: the stored models of a pump and how they judged it; train, back-test, shadow, promote, roll back."""

import time
from functools import partial
from pathlib import Path
from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QSplitter,
    QTabWidget,
)
from typing_extensions import override

from pumpwatch_gui.commissioning.models.stored import ModelChoice, ModelRow, export_row, models_of
from pumpwatch_gui.domain.commands import (
    COMMANDS,
    ConfirmLevel,
    ModelCommand,
    Promote,
    Rebaseline,
    RollBack,
    SetAdaptive,
    StartShadow,
    StopShadow,
)
from pumpwatch_gui.domain.detection import Detection, LearningView, NotScored, ScoreResult
from pumpwatch_gui.domain.display import presence
from pumpwatch_gui.domain.events import Event, OrderDone
from pumpwatch_gui.domain.judgement import LEARN
from pumpwatch_gui.domain.ports import Capability
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.wording import error_text, minute, number, stamp
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.marked_text import CARD_SIZES, MarkedText
from pumpwatch_gui.gui.look.widgets import Panel, PumpBox, StatusText, button, label
from pumpwatch_gui.gui.models.backtest_panel import BackTestPanel
from pumpwatch_gui.gui.models.judgement_panel import JudgementPanel
from pumpwatch_gui.gui.models.training_panel import OFFERED_KIND, TrainPanel
from pumpwatch_gui.gui.shell.page import Page, PageContext
from pumpwatch_gui.gui.tables.rows_model import Column, RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

SLOW_S = 1.0
STEPS_SHOWN, STEP_PX = 4, 80
ROWS_SHOWN = 3, 8
"""Models that the table has room for at least and at most, before it scrolls."""
JUDGEMENT = "Judgement over time"
REGISTRY = "Models of this pump"
NARROW_PX = 860
"""Below this width the models are the first of the tabs."""
APART_PX = 1500
"""From this width on the judgement has a column of its own, between the models and the work on them."""
MODEL_COMMANDS = {LEARN, *(COMMANDS[kind].name for kind in get_args(ModelCommand))}
"""Whose outcomes the page shows: what people order about models, and what the pump has learnt."""


class ModelsPage(Page):
    """The models at the left, how the pump was judged, and the work at the right."""

    key = "models"
    follows_pump = True
    in_own_units = True

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.pump: PumpSettings | None = None
        self.choice = ModelChoice(())
        self._last_s = 0.0
        self._learning: LearningView | None = None
        self.models: RowsModel[ModelRow] = RowsModel(_columns(), key=lambda r: r.version)
        self.judgement = JudgementPanel(context)
        self.train, self.back_test = TrainPanel(context), BackTestPanel(context)
        self._make_widgets()
        self._lay_out()
        self._fill_pumps()
        self.appearance.changed.connect(self._fold)

    # ---------------------------------------------------------------- building

    def _make_widgets(self) -> None:
        self.chooser = PumpBox()
        self.chooser.currentIndexChanged.connect(lambda _: self._choose_pump())
        self.chooser.activated.connect(lambda _: self.context.choose_pump(self._id))
        self.active = label("", "dim")
        self.adaptive = QCheckBox("Adaptive threshold")
        self.adaptive.setAccessibleName("Let the threshold follow the pump within bounds")
        self.adaptive.setToolTip("2 % an hour at most, never below 85 % or above 130 %; each change is journalled")
        self.adaptive.clicked.connect(lambda on: self._order(SetAdaptive(self._id, bool(on))))
        self.rebaseline = button(
            "Re-baseline", "Take the present running of this pump as its new normal",
            lambda: self._order(Rebaseline(self._id)),
      )  # fmt: skip
        self.confirm = button(
            "Confirm new level", "Take the new level of the anomaly alarm as normal; the model stays",
            lambda: self._order(ConfirmLevel(self._id)),
        )  # fmt: skip
        self.view = TableView(self.appearance, self.models, "Models of this pump", nothing="No model of this pump yet")
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._choose_model(now.row()))
        self.shadow_button = button("Start shadow", "Let the chosen model judge next to the active one",
                                    lambda: self._order(StartShadow(self._id, self.version)))  # fmt: skip
        self.stop_button = button("Stop shadow", "End the shadow of this pump",
                                  lambda: self._order(StopShadow(self._id)))  # fmt: skip
        self.promote_button = button("Promote", "Make the chosen model the active one",
                                     lambda: self._order(Promote(self._id, self.version)))  # fmt: skip
        self.back_button = button("Roll back", "Go back to the model before the last promotion",
                                  lambda: self._order(RollBack(self._id)))  # fmt: skip
        self.export_button = button("Export…", "Copy the chosen model with its card to a folder", self._choose_export)
        self.view.offer(self.shadow_button, self.stop_button, self.promote_button, self.back_button, self.export_button)
        orders = self.shadow_button, self.stop_button, self.promote_button, self.back_button
        acting = (*orders, self.confirm, self.rebaseline)
        for waiting in (*acting, self.export_button):
            waiting.setEnabled(False)
        self.shadow, self.said, self.steps = StatusText(), StatusText(), StatusText()
        self.steps.setAccessibleName("What the pump has learnt, and when")
        self.card = MarkedText(self.appearance, "Card of the chosen model", CARD_SIZES)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Judgement, train or back-test")
        self.tabs.addTab(self.judgement, JUDGEMENT)
        self.train.stored.connect(self._stored)
        self._can_train = Capability.TRAIN in self.context.station.capabilities
        if self._can_train:
            self.tabs.addTab(self.train, "Train")
            self.tabs.addTab(self.back_test, "Back-test, threshold, episodes")
        else:
            for part in (*acting, self.adaptive, self.train, self.back_test):
                part.setParent(self)
                part.hide()

    def _lay_out(self) -> None:
        self._head = head = Panel(self.appearance)
        head.setAccessibleName("Pump and active model")
        acts = (self.adaptive, self.confirm, self.rebaseline)
        self._head_row = hbox(self.chooser, self.active, None, *acts, spacing=12)
        head.body.addLayout(self._head_row)
        self._registry = registry = Panel(self.appearance, REGISTRY)
        steps = QGridLayout()
        steps.setSpacing(6)
        for row, (step, widgets) in enumerate(
            (
                ("Shadow", (self.shadow_button, self.stop_button)),
                ("Promote", (self.promote_button, self.back_button, self.export_button)),
            )
        ):
            steps.addWidget(label(step, "strong"), row, 0)
            for column, widget in enumerate(widgets):
                steps.addWidget(widget, row, column + 1)
        steps.setColumnMinimumWidth(0, self.appearance.px(STEP_PX))
        steps.setColumnStretch(4, 1)
        registry.body.addLayout(vbox(self.view, steps, self.shadow, self.steps, self.said, (self.card, 1)), 1)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._apart = Panel(self.appearance, JUDGEMENT)
        self._apart.body.setContentsMargins(0, 12, 0, 0)
        self._apart.body.setSpacing(0)
        self._apart.heading.setIndent(12)  # as far in as the judgement itself
        for column, (part, share) in enumerate(((registry, 2), (self._apart, 4), (self.tabs, 3))):
            self._split.addWidget(part)
            self._split.setStretchFactor(column, share)
        self._apart.hide()
        self._split.setHandleWidth(12)
        self._split.setChildrenCollapsible(False)
        self._split.setSizes([520, 680, 560])
        vbox(head, (self._split, 1), parent=self, margin=16, spacing=12)
        self.setFocusProxy(self.view)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is room for three columns the judgement leaves the tabs; for one alone, the models join them."""
        super().resizeEvent(event)
        self._fold()
        is_wide = self._can_train and self.width() >= self.appearance.px(APART_PX)
        if is_wide != self._apart.isHidden():
            return
        if is_wide:
            self._apart.body.addWidget(self.judgement, 1)
        else:
            self.tabs.insertTab(0, self.judgement, JUDGEMENT)
        self._apart.setVisible(is_wide)
        self.judgement.show()

    def _fold(self) -> None:
        self.view.fit_rows(*ROWS_SHOWN)
        is_narrow, at = self.width() < self.appearance.px(NARROW_PX), self.tabs.indexOf(self._registry)
        if is_narrow == (at >= 0):
            return
        if is_narrow:
            self.tabs.insertTab(0, self._registry, REGISTRY)
            self.tabs.setCurrentIndex(0)
            self._head.body.addWidget(self.active)
        else:
            self.tabs.removeTab(at)
            self._split.insertWidget(0, self._registry)
            self._registry.show()
            self._head_row.insertWidget(1, self.active)
        self._registry.heading.setHidden(is_narrow)  # the tab says it

    # ---------------------------------------------------------------- choosing

    @property
    def _id(self) -> str:
        return self.pump.pump_id if self.pump else ""

    @property
    def version(self) -> str:
        """The version of the chosen model, "" for the one that the site file names."""
        row = self.models.row_at(self.view.chosen)
        return row.version if row else ""

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
        self.said.say("")
        self._learning, self._last_s = None, 0.0
        if self.pump is not None:
            self.judgement.show_pump(self.pump)
            self.train.show_pump(self.pump)
        self.reload()

    @override
    def show_pump(self, pump_id: str) -> None:
        ids = [p.pump_id for p in self.context.station.site().pumps]
        if pump_id in ids:
            self.chooser.setCurrentIndex(ids.index(pump_id))

    def reload(self, choose: str | None = None) -> None:
        """Read the models of the pump, off the GUI thread; `choose` is the version to choose then."""
        if self.pump is None:
            return
        pump, home, folder = self.pump, self.context.home, self.context.station.site().folder
        chosen = self.models.row_at(self.view.chosen)
        follows_active = choose is None and (chosen is None or chosen.is_active)
        wanted = self.version if choose is None else choose
        show = partial(self._show_models, pump, None if follows_active else wanted)
        self.context.ask(lambda: models_of(home, pump, folder), show, self._failed)

    def _show_models(self, pump: PumpSettings, wanted: str | None, choice: ModelChoice) -> None:
        if self.pump is None or pump.pump_id != self.pump.pump_id:
            return
        self.choice = choice
        self.models.show_rows(choice.rows)
        self.view.fit_rows(*ROWS_SHOWN)
        active = next((row.version for row in choice.rows if row.is_active), "")
        at = max(self.models.place_of(active if wanted is None else wanted), 0)
        self.view.selectRow(at)
        self._choose_model(at)
        self.adaptive.setChecked(choice.is_adaptive)
        self._show_active()

    def _show_active(self) -> None:
        """What judges the pump, or how far it has come that learns itself, and what happened to it when."""
        active = next((row for row in self.choice.rows if row.is_active), None)
        learning = self._learning
        words = f"active: {_name(active)}" if active else "no model judges this pump"
        if learning is not None and learning.is_in_force:
            words = f"{words} · {learning.words}" if active else learning.words
        self.active.setText(words)
        self.rebaseline.setEnabled(active is not None or learning is not None)
        steps = learning.steps[-STEPS_SHOWN:][::-1] if learning is not None else ()
        self.steps.setText("\n".join(f"{minute(step.time_ns)}  {step.text}" for step in steps))
        self.steps.setVisible(bool(steps))

    def _choose_model(self, at: int) -> None:
        if self.pump is None or not 0 <= at < len(self.models.rows):
            return
        row = self.models.rows[at]
        may_run = row.version != "" and row.is_usable and not row.is_active
        self.card.show_text(row.card)
        self.shadow_button.setEnabled(may_run and row.version != self.choice.shadow)
        self.stop_button.setEnabled(self.choice.shadow != "")
        self.promote_button.setEnabled(may_run)
        self.back_button.setEnabled(self.choice.can_roll_back)
        self.export_button.setEnabled(row.is_usable)
        self.back_test.show_model(self.pump, row.version, is_active=row.is_active)

    # ---------------------------------------------------------------- orders

    def _order(self, command: ModelCommand) -> None:
        self.context.order(command)

    @override
    def on_event(self, event: Event) -> None:
        if isinstance(event, OrderDone) and event.pump_id == self._id and event.command in MODEL_COMMANDS:
            if event.command != LEARN:  # the steps have it
                self.said.say(event.text, "strong" if event.ok else "warning")
            if self.isVisible():
                self.reload()
        self.judgement.note_event(event)

    def _stored(self, version: str) -> None:
        self.reload(version)

    def _failed(self, error: Exception) -> None:
        self.said.warn(error_text(error))

    def _choose_export(self) -> None:
        dialog = QFileDialog(self, "Copy the model to a new folder inside", "")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda folder: self.export(Path(folder)))
        dialog.open()

    def export(self, folder: Path) -> None:
        """Copy the chosen model, card included, into a new folder of `folder`."""
        row, pump_id = self.models.row_at(self.view.chosen), self._id
        if row is not None:
            self.context.ask(lambda: export_row(row, pump_id, folder), self._exported, self._failed)

    def _exported(self, out: Path) -> None:
        self.said.say(f"Copied to {out}", "strong")

    # ---------------------------------------------------------------- living

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Read the models again when the page is turned to."""
        super().showEvent(event)
        self._fill_pumps()
        self.reload()

    @override
    def refresh(self, view: StationView) -> None:
        self.judgement.refresh(view)
        now = time.monotonic()
        if now - self._last_s < SLOW_S:
            return
        self._last_s = now
        self._fill_pumps()
        pump = next((p for p in view.pumps if p.pump_id == self._id), None)
        self._learning = pump.learning if pump else None
        has_network = any(row.kind == OFFERED_KIND and row.version for row in self.choice.rows)
        self.train.show_offer(self._learning.counted_s if self._learning and not has_network else 0.0)
        self.confirm.setEnabled(pump is not None and pump.is_at_new_level)
        self._show_active()
        self.shadow.say(self._judgement(pump, view.mono_ns) if pump else "")

    def _judgement(self, pump: PumpView, now_ns: int) -> str:
        """How the active model and its shadow judge now; without a shadow the judgement says it."""
        seen, shadow = presence(pump, now_ns, self.context.last_good), pump.shadow
        if shadow is None:
            return ""

        def judged(result: ScoreResult | None) -> str:
            return _score_result(result) if seen.live else f"not scored, {seen.text}"

        is_unjudged = isinstance(pump.score_result, NotScored) and not pump.score_result.has_model
        words = "" if is_unjudged and seen.live else f"Active: {judged(pump.score_result)}."
        share = 100 * shadow.in_alarm / shadow.scored if shadow.scored else 0.0
        return (
            f"{words} Shadow {shadow.version}: {judged(shadow.score_result)}; {shadow.scored:,} windows, "
            f"{len(shadow.episodes)} episodes, {share:.1f} % in alarm."
        )


def _score_result(result: ScoreResult | None) -> str:
    match result:
        case Detection(score=score):
            return f"score {number(score, 2)}"
        case NotScored(why=why):
            return why
        case None:
            return "not judged yet"


def _name(row: ModelRow) -> str:
    return f"{row.version or row.name} · {row.kind}" if row.is_usable else "not usable"


def _columns() -> list[Column[ModelRow]]:
    return [
        Column("Version", lambda r: r.version or r.name or "–"),
        Column("State", lambda r: r.state, elided=True),
        Column("Trained on", lambda r: f"{r.trained_h:.1f} h" if r.is_usable else "", right=True),
        Column("Factor", lambda r: f"{r.threshold_factor:g}" if r.is_usable else "", right=True),
        Column(
            "Made",
            lambda r: stamp(r.made_ns)[:10] if r.made_ns else "–",
            tip=lambda r: stamp(r.made_ns) if r.made_ns else "",
            sort=lambda r: r.made_ns or None,
        ),
    ]
