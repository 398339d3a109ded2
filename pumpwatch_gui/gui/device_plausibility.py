"""The plausibility doctor on the screen: what looks wrong about a pump's readings, why, and what to try."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from pumpwatch_gui.acquire.config import ModbusConfig
from pumpwatch_gui.acquire.register_map import Point, load_register_map
from pumpwatch_gui.acquire.word_order import swapped
from pumpwatch_gui.domain.finding import Finding
from pumpwatch_gui.domain.profile import PumpProfile
from pumpwatch_gui.gui.device_links import WAIT_S, config_of
from pumpwatch_gui.gui.page import Ask, Source
from pumpwatch_gui.gui.register_reading import read_points
from pumpwatch_gui.gui.table_view import TableView
from pumpwatch_gui.gui.tables import Column, RowsModel
from pumpwatch_gui.gui.theme import Look
from pumpwatch_gui.gui.widgets import button, label, set_role
from pumpwatch_gui.gui.words import error_text
from pumpwatch_gui.judge.plausibility import examine

LOOKED_BACK = 300
"""Frames of the recent past that are examined."""


@dataclass(frozen=True, slots=True)
class Material:
    """What is examined: readings by tag, the raw registers of points where they were read, and where it is from."""

    profile: PumpProfile
    series: Sequence[Mapping[str, float]]
    words: str
    points: Sequence[Point] = ()
    raw: Mapping[str, Sequence[Sequence[int]]] = field(default_factory=dict)


def findings_of(material: Material) -> tuple[Finding, ...]:
    """Everything that looks wrong, the certain first: exchanged words by the raw registers, the rest by the values."""
    profile = material.profile
    orders = [
        finding
        for point in material.points
        if point.tag in profile.tags and material.raw.get(point.tag)
        if (finding := swapped(point, profile.sensors[profile.index(point.tag)], material.raw[point.tag]))
    ]
    told = {tag for finding in orders for tag in finding.tags}
    others = [f for f in examine(profile, material.series) if not (set(f.tags) <= told and f.kind in ("span", "unit"))]
    return tuple(sorted([*orders, *others], key=lambda f: not f.is_certain))


class PlausibilityPanel(QWidget):
    """Findings with cause and advice. `gather` is called beside the GUI thread and may raise."""

    examined = Signal()

    def __init__(self, look: Look, ask: Ask) -> None:
        super().__init__()
        self._ask = ask
        self._gather: Callable[[], Material] | None = None
        self.findings: RowsModel[Finding] = RowsModel(_columns())
        self.examine_button = button("Examine", "Examine the readings of this pump", self.examine)
        self.summary = label("", "dim")
        self.summary.setWordWrap(True)
        self.summary.setAccessibleName("What the examination found")
        self.view = TableView(look, self.findings, "Findings", widths={0: 104, 1: 190, 2: 360}, stretch=3)
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._choose(now.row()))
        self.whole = label("")
        self.whole.setWordWrap(True)
        self.whole.setAccessibleName("Chosen finding")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.examine_button)
        row.addWidget(self.summary, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.view, 1)
        column.addWidget(self.whole)

    def use(self, gather: Callable[[], Material] | None, words: str = "") -> None:
        """Examine this from now on."""
        self._gather = gather
        self.examine_button.setEnabled(gather is not None)
        self._show([], words)

    def examine(self) -> None:
        """Gather and examine, off the GUI thread."""
        gather = self._gather
        if gather is None:
            return
        self.examine_button.setEnabled(False)
        self.summary.setText("examining …")

        def work() -> tuple[Callable[[], Material], str, tuple[Finding, ...]]:
            material = gather()
            return gather, material.words, findings_of(material)

        self._ask(work, self._came, self._failed)

    def _came(self, answer: tuple[Callable[[], Material], str, tuple[Finding, ...]]) -> None:
        gather, words, found = answer
        self.examine_button.setEnabled(self._gather is not None)
        if gather is not self._gather:
            return
        certain = sum(f.is_certain for f in found)
        count = f"{len(found)} finding{'s' * (len(found) != 1)}" + (f", {certain} certain" if certain else "")
        self._show(found, f"{words}: {count if found else 'nothing looks wrong'}", warn=bool(certain))
        self.examined.emit()

    def _failed(self, error: Exception) -> None:
        self.examine_button.setEnabled(self._gather is not None)
        self._show([], error_text(error), warn=True)

    def _show(self, found: Sequence[Finding], words: str, *, warn: bool = False) -> None:
        set_role(self.summary, "warning" if warn else "strong" if words else "dim")
        self.summary.setText(words)
        self.findings.show_rows(found)
        self.whole.setText("")
        if found:
            self.view.selectRow(0)
            self._choose(0)

    def _choose(self, at: int) -> None:
        if 0 <= at < len(self.findings.rows):
            finding = self.findings.rows[at]
            self.whole.setText(f"{finding.what}.\nLikely: {finding.cause}.\nTry: {finding.advice}.")


def live_material(source: Source, link_id: str) -> Material:
    """The recent frames of a link's pump, and its registers as they are now. Blocks. Raises InputError, KeyError."""
    site, pump_id = source.site, link_id.rpartition("/")[0]
    pump = next(p for p in site.pumps if p.pump_id == pump_id)
    profile, config = pump.profile, config_of(site, link_id)
    trace = source.trace(pump_id)
    series: list[dict[str, float]] = [
        {tag: float(value) for tag, value in zip(profile.tags, row, strict=True) if isfinite(value)}
        for row in trace.values[-LOOKED_BACK:]
    ]
    words = f"{len(series)} readings of {pump_id}"
    if not isinstance(config, ModbusConfig):
        return Material(profile, series, words)
    points = load_register_map(config.registers, tags=profile.tags, beside=site.folder).points
    try:
        read = read_points(points, lambda t, a, n: source.read_block(link_id, t, a, n).result(WAIT_S))
    except Exception as error:  # noqa: BLE001 - whatever it was, the recent past can still be examined
        return Material(profile, series, f"{words} (its registers cannot be read now: {error_text(error)})")
    raw = {tag: [registers] for tag, registers in read.registers.items()}
    return Material(profile, [*series, read.numbers(points)], f"{words} and its registers", points, raw)


def _columns() -> list[Column[Finding]]:
    return [
        Column("Weight", lambda f: "✕ certain" if f.is_certain else "? doubtful"),
        Column("Sensors", lambda f: ", ".join(f.tags), tip=lambda f: ", ".join(f.tags)),
        Column("What looks wrong", lambda f: f.what, tip=lambda f: f.what),
        Column("Likely cause", lambda f: f.cause, tip=lambda f: f"{f.cause}\n{f.advice}"),
    ]
