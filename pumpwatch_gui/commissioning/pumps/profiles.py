"""The pump profiles and models to choose from, and what a profile itself says."""

from collections.abc import Mapping
from pathlib import Path

from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site import LEARN, NO_MODEL
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.settings.profile_file import load_profile

__all__ = ["LEARN", "NO_MODEL", "model_names", "profile_limits", "profile_names"]


def profile_names() -> tuple[str, ...]:
    """The shipped profiles."""
    return tuple(sorted(p.stem for p in (shipped("resources") / "profiles").glob("*.toml")))


def model_names() -> tuple[str, ...]:
    """What a pump can be given: that it learns itself, the shipped models, no model."""
    return (LEARN, *sorted(p.name for p in shipped("models").iterdir() if (p / "manifest.json").is_file()), NO_MODEL)


def profile_limits(name: str, folder: Path | None) -> Mapping[str, Limits]:
    """The limits in a profile's own file, by tag. Raises InputError listing every mistake in it."""
    return {sensor.tag: sensor.limits for sensor in load_profile(name, base_dir=folder).sensors}
