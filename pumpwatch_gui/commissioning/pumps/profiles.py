"""The pump profiles and models to choose from, and what a profile itself says."""

from collections.abc import Mapping
from pathlib import Path

from pumpwatch_gui.domain.pump.profile import Limits
from pumpwatch_gui.domain.site import LEARN, NO_MODEL
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.manifest import read_manifest
from pumpwatch_gui.settings.profile_file import load_profile

__all__ = ["LEARN", "NO_MODEL", "model_caution", "model_names", "profile_limits", "profile_names"]


def profile_names() -> tuple[str, ...]:
    """The shipped profiles."""
    return tuple(sorted(p.stem for p in (shipped("resources") / "profiles").glob("*.toml")))


def model_names() -> tuple[str, ...]:
    """What a pump can be given: that it learns itself, the shipped models, no model."""
    return (LEARN, *sorted(p.name for p in shipped("models").iterdir() if (p / "manifest.json").is_file()), NO_MODEL)


def model_caution(name: str) -> str:
    """What people should know before they give a pump this model, "" where there is nothing."""
    path = shipped("models") / name
    if not name.isidentifier() or not (path / "manifest.json").is_file():
        return ""
    origin = str(read_manifest(path).trained.get("origin", ""))
    return f"made from {origin}: it is checked against the pump's first hour, and {LEARN} suits a real pump" * bool(
        origin
    )


def profile_limits(name: str, folder: Path | None) -> Mapping[str, Limits]:
    """The limits in a profile's own file, by tag. Raises InputError listing every mistake in it."""
    return {sensor.tag: sensor.limits for sensor in load_profile(name, base_dir=folder).quantities}
