"""What is remembered of a user in the window's settings: theme, size of text, volume; and of all, the tables."""

from PySide6.QtCore import QSettings

from pumpwatch_gui.domain.units import CHOICES, UnitChoice
from pumpwatch_gui.files.account import user_name
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.sound.alarm_sound import AlarmSound


def remembered_appearance(settings: QSettings) -> Appearance:
    """Of this user; the first time as the last one of this home has left it."""
    theme, scale = (
        str(settings.value(f"look-{user_name()}/{what}", settings.value(f"look/{what}", usual)))
        for what, usual in (("theme", "dark"), ("scale", "100"))
    )
    made = Appearance(theme, int(scale) if scale.isdigit() else 100)
    kept = (key for key in settings.allKeys() if key.startswith("tables/"))
    made.tables = {key.removeprefix("tables/"): str(settings.value(key)) for key in kept}
    return made


def remember_appearance(settings: QSettings, appearance: Appearance) -> None:
    """For this user, and for one who comes for the first time."""
    for place in (f"look-{user_name()}", "look"):
        settings.setValue(f"{place}/theme", appearance.theme.name)
        settings.setValue(f"{place}/scale", appearance.scale)


def remembered_units(settings: QSettings) -> UnitChoice:
    """Those that this user has chosen; what is not known is as if it were not chosen."""
    kept = {kind: str(settings.value(f"units-{user_name()}/{kind}", "")) for kind in CHOICES}
    return UnitChoice(**{kind: unit for kind, unit in kept.items() if unit in CHOICES[kind]})


def remember_units(settings: QSettings, choice: UnitChoice) -> None:
    """For this user alone: another one sees what the site has."""
    for kind in CHOICES:
        settings.setValue(f"units-{user_name()}/{kind}", choice.of(kind))


def recall_volume(settings: QSettings, sound: AlarmSound) -> None:
    """Make the sound as loud as this user has had it."""
    volume = str(settings.value(f"sound-{user_name()}/volume", ""))
    if volume.isdigit():
        sound.volume = int(volume)


def remember_volume(settings: QSettings, sound: AlarmSound) -> None:
    """Of this user alone: who is deaf to it must not be so for the next."""
    settings.setValue(f"sound-{user_name()}/volume", sound.volume)
