"""How loud alarms sound for this user, with a test of each sound. It counts at once, without Save."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.widgets import Panel, button, label, set_role
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.sound.alarm_sound import MAX_VOLUME, MIN_VOLUME


class SoundPanel(Panel):
    """A slider with a floor, and three buttons."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance)
        self._sound = context.sound
        self.setAccessibleName("Sound of alarms")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Volume of alarms, percent")
        self.slider.setRange(MIN_VOLUME, MAX_VOLUME)
        self.slider.setSingleStep(5)
        self.slider.setPageStep(10)
        self.slider.setValue(self._sound.volume)
        self.slider.setMinimumWidth(context.appearance.px(160))
        self.percent, self.trouble = label(""), label("", "dim")
        self.percent.setMinimumWidth(context.appearance.px(44))
        self.slider.valueChanged.connect(self._change)
        tests = {p: button(p.name.lower().capitalize(), f"Test the sound of {p.name.lower()} priority",
                           partial(self._sound.test, p), hint="Play it once")
                 for p in (Priority.HIGH, Priority.MEDIUM, Priority.LOW)}  # fmt: skip
        self.tests = tests
        self.body.addLayout(
            hbox(label("Sound of alarms", "heading"), self.slider, self.percent, label("Test", "dim"),
                 *tests.values(), (self.trouble, 1))
        )  # fmt: skip
        self._sound.changed.connect(self._say)
        self._say()

    def _change(self, percent: int) -> None:
        self._sound.volume = percent
        self._say()

    def _say(self) -> None:
        self.percent.setText(f"{self._sound.volume} %")
        trouble = self._sound.trouble
        set_role(self.trouble, "warning" if trouble else "dim")
        self.trouble.setText(trouble or f"Yours alone, at least {MIN_VOLUME} %")
