"""The chooser of what a model is made of or tested on: a span of a pump's history, or CSV files."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QDateTime, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from pumpwatch_gui.commissioning.models.material import Material
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import TimeBox, button, label

HOUR_S = 3600
FILE_KINDS = "Recordings (*.csv *.txt *.tsv *.dat *.asc);;All files (*)"


class MaterialChooser(QWidget):
    """From, to, and the usual spans; or files. `changed`: something else was chosen.

    `preview_wanted`: how the files are read is to be shown.
    """

    changed = Signal()
    preview_wanted = Signal()

    def __init__(self, appearance: Appearance, name: str) -> None:
        super().__init__()
        self.files: tuple[Path, ...] = ()
        self.choices = FormatChoices()
        self.start, self.end = TimeBox(), TimeBox()
        for edit, words in ((self.start, "from"), (self.end, "to")):
            edit.setDisplayFormat("yyyy-MM-dd HH:mm")
            edit.setAccessibleName(f"{name}, {words}")
            edit.setMinimumWidth(appearance.px(178))
            edit.dateTimeChanged.connect(lambda _: self._use_span())
        self.chosen = label("", "dim")
        spans = [
            button(words, f"{name}, the last {words}", partial(self.last, hours))
            for words, hours in (("1 h", 1), ("8 h", 8), ("24 h", 24), ("7 d", 168))
        ]
        files = button("CSV…", f"{name}, from CSV files", self._choose_files)
        self.preview_button = button("Preview…", f"{name}, how the files are read", self.preview_wanted.emit)
        self.preview_button.setVisible(False)
        span = hbox(label("From"), self.start, label("to"), self.end, None)
        vbox(span, hbox(label("The last", "dim"), *spans, files, self.preview_button, None), self.chosen, parent=self)
        self.last(24)

    def last(self, hours: float) -> None:
        """The last hours up to now."""
        now = QDateTime.currentDateTime()
        self.end.setDateTime(now.addSecs(60))
        self.start.setDateTime(now.addSecs(-round(hours * HOUR_S)))
        self._use_span()

    def use_files(self, files: list[Path], choices: FormatChoices | None = None) -> None:
        """CSV files instead of history, read as `choices` say."""
        self.files, self.choices = tuple(files), choices or FormatChoices()
        self.chosen.setText("instead of history: " + ", ".join(p.name for p in files) if files else "from history")
        self.preview_button.setVisible(bool(files))
        self.changed.emit()

    def material(self, pump: PumpSettings) -> Material:
        """What is chosen, for a pump."""
        start, end = (edit.dateTime().toMSecsSinceEpoch() * 1_000_000 for edit in (self.start, self.end))
        return Material(pump, start, end, self.files, self.choices)

    def _use_span(self) -> None:
        self.use_files([])

    def _choose_files(self) -> None:
        dialog = QFileDialog(self, "Recordings of this pump", "", FILE_KINDS)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.use_files([Path(name) for name in names]))
        dialog.open()
