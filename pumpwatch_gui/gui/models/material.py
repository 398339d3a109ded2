"""What a model is made of or tested on: a span of a pump's history, or CSV files; read off the GUI thread."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QDateTime, Signal
from PySide6.QtWidgets import QDateTimeEdit, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.recording import read_recording
from pumpwatch_gui.files.shipped import find_shipped
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import button, label
from pumpwatch_gui.infer.bundles.bundle import Bundle, load_bundle
from pumpwatch_gui.infer.bundles.registry import ModelRegistry

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class TrainingMaterial:
    """A span of a pump's history (Unix UTC ns), or `files` instead."""

    pump: PumpSettings
    start_ns: int
    end_ns: int
    files: tuple[Path, ...] = ()

    def read(self, station: Station) -> list[Recording]:
        """The recordings, oldest first. Blocks. Raises InputError for what cannot be read or is empty."""
        if self.files:
            return [read_recording(path, self.pump.profile) for path in self.files]
        if self.end_ns <= self.start_ns:
            raise InputError("the span ends before it begins", "choose a later end")
        history = station.history
        return [history.recording(self.pump.pump_id, self.pump.profile, start_ns=self.start_ns, end_ns=self.end_ns)]

    @property
    def words(self) -> str:
        """What it is, for the journal."""
        if self.files:
            return ", ".join(path.name for path in self.files)
        start, end = (QDateTime.fromMSecsSinceEpoch(ns // 1_000_000) for ns in (self.start_ns, self.end_ns))
        return f"{start.toString('yyyy-MM-dd HH:mm')} to {end.toString('yyyy-MM-dd HH:mm')}"


def bundle_of(registry: ModelRegistry, pump: PumpSettings, version: str, folder: Path | None) -> Bundle:
    """A stored version of a pump's model; "" is the one that the site file names.

    Raises BundleError when it cannot be used, InputError when the site file names none.
    """
    if version:
        return load_bundle(registry.bundle(pump.pump_id, version), pump.profile)
    if pump.model == "none":
        raise InputError(f"{pump.pump_id} has no model in the site file", "choose a stored one, or train one")
    try:
        return load_bundle(find_shipped("models", pump.model, base_dir=folder), pump.profile)
    except FileNotFoundError as error:
        raise InputError(f"the model of {pump.pump_id} is not there: {error}", "mend it in the settings") from error


class MaterialChooser(QWidget):
    """From, to, and the usual spans; or files. `changed` tells that another is chosen."""

    changed = Signal()

    def __init__(self, appearance: Appearance, name: str) -> None:
        super().__init__()
        self.files: tuple[Path, ...] = ()
        self.start, self.end = QDateTimeEdit(), QDateTimeEdit()
        for edit, words in ((self.start, "from"), (self.end, "to")):
            edit.setDisplayFormat("yyyy-MM-dd HH:mm")
            edit.setAccessibleName(f"{name}, {words}")
            edit.setMinimumWidth(appearance.px(178))
            edit.dateTimeChanged.connect(lambda _: self._use_span())
        self.chosen = label("", "dim")
        span, quick = QHBoxLayout(), QHBoxLayout()
        for widget in (label("From"), self.start, label("to"), self.end):
            span.addWidget(widget)
        quick.addWidget(label("The last", "dim"))
        for words, hours in (("1 h", 1), ("8 h", 8), ("24 h", 24), ("7 d", 168)):
            quick.addWidget(button(words, f"{name}, the last {words}", partial(self.last, hours)))
        quick.addWidget(button("CSV…", f"{name}, from CSV files", self._choose_files))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for row in (span, quick):
            row.setSpacing(8)
            row.addStretch(1)
            column.addLayout(row)
        column.addWidget(self.chosen)
        self.last(24)

    def last(self, hours: float) -> None:
        """The last hours up to now."""
        now = QDateTime.currentDateTime()
        self.end.setDateTime(now.addSecs(60))
        self.start.setDateTime(now.addSecs(-round(hours * HOUR_S)))
        self._use_span()

    def use_files(self, files: list[Path]) -> None:
        """CSV files instead of history."""
        self.files = tuple(files)
        self.chosen.setText("instead of history: " + ", ".join(p.name for p in files) if files else "from history")
        self.changed.emit()

    def material(self, pump: PumpSettings) -> TrainingMaterial:
        """What is chosen, for a pump."""
        start, end = (edit.dateTime().toMSecsSinceEpoch() * 1_000_000 for edit in (self.start, self.end))
        return TrainingMaterial(pump, start, end, self.files)

    def _use_span(self) -> None:
        self.use_files([])

    def _choose_files(self) -> None:
        dialog = QFileDialog(self, "Recordings of this pump", "", "CSV files (*.csv);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.use_files([Path(name) for name in names]))
        dialog.open()
