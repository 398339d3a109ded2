"""The pump profiles and models to choose from, and what a profile itself says."""

from collections.abc import Mapping
from pathlib import Path

from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.settings.profile_file import load_profile

NO_MODEL = "none"


def profile_names() -> tuple[str, ...]:
    """The shipped profiles."""
    return tuple(sorted(p.stem for p in (shipped("resources") / "profiles").glob("*.toml")))


def model_names() -> tuple[str, ...]:
    """The shipped models, and the name that means no model."""
    return (*sorted(p.name for p in shipped("models").iterdir() if (p / "manifest.json").is_file()), NO_MODEL)


def model_for(profile_name: str) -> str:
    """The shipped model that is meant for a profile."""
    return profile_name if profile_name in model_names() else NO_MODEL


def profile_limits(name: str, folder: Path | None) -> Mapping[str, Limits]:
    """The limits in a profile's own file, by tag. Raises InputError listing every mistake in it."""
    return {sensor.tag: sensor.limits for sensor in load_profile(name, base_dir=folder).sensors}
