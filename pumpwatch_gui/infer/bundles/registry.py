"""The models of one installation: versions of each pump's model, which one is active and which runs in its shadow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pumpwatch_gui.domain.errors import BundleError, InputError
from pumpwatch_gui.domain.site import LEARN, NO_MODEL
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.infer.bundles.manifest import Manifest, bundle_files, read_manifest
from pumpwatch_gui.infer.bundles.writing import copy_bundle

STATE_FILE = "state.json"
LEVELS_FILE = "levels.json"
LEARNT = "learned"
"""The folder of a pump beside its models that holds what it learns from."""
UNFINISHED = (".new", ".old")
"""Endings of what a write that was cut off leaves behind."""
_ADVICE = "correct the permissions of the models folder in the home"


@dataclass(frozen=True, slots=True)
class PumpModels:
    """What is active for one pump; "" is the model that the site file names.

    `before` are the versions that were active earlier, oldest first. `site_model` is what the site file named when
    something was first promoted over it: once the site names another, the registry no longer overrules it.
    """

    active: str = ""
    shadow: str = ""
    before: tuple[str, ...] = ()
    site_model: str = ""
    adaptive: bool = False
    factor: float = 1.0
    refused: tuple[str, str] = ("", "")
    """A version of the site file's model that was found not to fit the pump, and why."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A version in the registry. `error` says why it cannot be used, "" when it is whole; then `manifest` is there."""

    version: str
    path: Path
    manifest: Manifest | None
    error: str
    is_active: bool
    is_shadow: bool


@dataclass(frozen=True, slots=True)
class ModelRegistry:
    """The folder of stored models: `folder/PUMP/VERSION/` bundles and `folder/PUMP/state.json`.

    Every change is whole or not at all. Raises InputError where the folder cannot be written, BundleError for a version
    that is not there or was altered.
    """

    folder: Path
    _read: dict[str, PumpModels] = field(default_factory=dict, compare=False, repr=False)

    def add(self, pump_id: str, bundle: Path) -> str:
        """Copy a bundle into the registry; its version. A version that is there already is kept as it is."""
        version = read_manifest(bundle).version
        place = self._place(pump_id, version)
        if place.exists():
            return version
        copy_bundle(bundle_files(bundle), place, advice=_ADVICE)
        return version

    def state(self, pump_id: str) -> PumpModels:
        """What is active; nothing when there is no readable state."""
        if pump_id not in self._read:
            try:
                content = json.loads((self._pump(pump_id) / STATE_FILE).read_text("utf-8"))
                self._read[pump_id] = _state(content)
            except FileNotFoundError:
                self._read[pump_id] = PumpModels()
            except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
                text = f"{self._pump(pump_id) / STATE_FILE} cannot be read ({error})"
                raise BundleError(text, "remove the file: the model of the site file is used then") from None
        return self._read[pump_id]

    def rename(self, old_id: str, new_id: str) -> None:
        """Keep the models of a pump under another id. Raises InputError when the folder cannot be renamed."""
        if not self._pump(old_id).is_dir() or self._pump(new_id).exists():
            return
        try:
            self._pump(old_id).rename(self._pump(new_id))
        except OSError as error:
            raise InputError(f"cannot rename {self._pump(old_id)}: {error}", _ADVICE) from error
        self._read.pop(old_id, None)

    def models(self, pump_id: str) -> list[StoredModel]:
        """Every version stored for a pump, newest first."""
        folder, state = self._pump(pump_id), self.state(pump_id)
        places = [p for p in folder.iterdir() if _is_model(p)] if folder.is_dir() else []
        places.sort(key=lambda place: place.stat().st_mtime, reverse=True)
        return [_stored(place, state) for place in places]

    def bundle(self, pump_id: str, version: str) -> Path:
        """The folder of a stored version. Raises BundleError when it is not there, or is not what its name says."""
        place = self._place(pump_id, version)
        if not version or not place.is_dir():
            raise BundleError(f"pump {pump_id} has no model {version!r}", "choose one of the stored models")
        if (found := read_manifest(place).version) != version:
            raise BundleError(f"{place} holds version {found}", "it was altered: train the model again")
        return place

    def promote(self, pump_id: str, version: str, *, site_model: str) -> PumpModels:
        """Make a version the active one; the shadow ends if it was this one."""
        self.bundle(pump_id, version)
        old = self.valid(pump_id, site_model=site_model)
        if version == old.active:
            raise InputError(f"{version} is already the active model of {pump_id}", "choose another")
        shadow = "" if old.shadow == version else old.shadow
        before = (*old.before, old.active)
        return self._write(
            pump_id,
            replace(old, active=version, before=before, shadow=shadow, site_model=site_model, factor=1.0),
        )

    def roll_back(self, pump_id: str, *, site_model: str) -> PumpModels:
        """Go back to what was active before the last promotion. Raises InputError when there was none."""
        old = self.valid(pump_id, site_model=site_model)
        if not old.before:
            raise InputError(f"{pump_id} has no earlier model to go back to", "promote another model instead")
        *rest, back = old.before
        if back:
            self.bundle(pump_id, back)
        return self._write(pump_id, replace(old, active=back, before=tuple(rest), factor=1.0))

    def retire(self, pump_id: str, *, site_model: str) -> PumpModels:
        """Make none of the stored models active; the one that was can be rolled back to."""
        old = self.valid(pump_id, site_model=site_model)
        before = (*old.before, old.active) if old.active else old.before
        return self._write(pump_id, replace(old, active="", before=before, site_model=site_model, factor=1.0))

    def refuse(self, pump_id: str, version: str, why: str) -> PumpModels:
        """Keep that a version of the site file's model does not fit the pump."""
        return self._write(pump_id, replace(self.state(pump_id), refused=(version, why)))

    def keep_levels(self, pump_id: str, levels: Mapping[str, float]) -> None:
        """Keep the levels by tag from before an alarm that is on; none of them: it is over."""
        path = self._pump(pump_id) / LEVELS_FILE
        try:
            if levels:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(path, json.dumps(dict(levels)).encode())
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}", _ADVICE) from error

    def levels(self, pump_id: str) -> Mapping[str, float]:
        """What `keep_levels` kept; nothing where it cannot be read."""
        try:
            content = json.loads((self._pump(pump_id) / LEVELS_FILE).read_text("utf-8"))
            return {str(tag): float(level) for tag, level in content.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def learnt(self, pump_id: str) -> Path:
        """The folder for what a pump learns from."""
        return self._pump(pump_id) / LEARNT

    def set_shadow(self, pump_id: str, version: str) -> PumpModels:
        """Have a version run in the shadow of the active one; "" ends that."""
        if version:
            self.bundle(pump_id, version)
        return self._write(pump_id, replace(self.state(pump_id), shadow=version))

    def set_adaptive(self, pump_id: str, on: bool, *, factor: float = 1.0) -> PumpModels:
        """Keep whether the threshold follows, and the factor it has reached."""
        return self._write(pump_id, replace(self.state(pump_id), adaptive=on, factor=factor))

    def valid(self, pump_id: str, *, site_model: str) -> PumpModels:
        """The state, without promotions made over another model than the site file names now."""
        state = self.state(pump_id)
        # A site file that named no model at all meant "none" before pumps learnt by themselves.
        same = ("", site_model, NO_MODEL) if site_model == LEARN else ("", site_model)
        if state.site_model not in same:
            return replace(state, active="", before=(), site_model="", factor=1.0)
        return state

    def _write(self, pump_id: str, state: PumpModels) -> PumpModels:
        path = self._pump(pump_id) / STATE_FILE
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, json.dumps(asdict(state), indent=1).encode())
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}", _ADVICE) from error
        self._read[pump_id] = state
        return state

    def _pump(self, pump_id: str) -> Path:
        return self.folder / _plain(pump_id)

    def _place(self, pump_id: str, version: str) -> Path:
        return self._pump(pump_id) / _plain(version or "none")


def export_model(bundle: Path, out: Path) -> None:
    """Copy a whole bundle, card included, to a new folder. Raises BundleError when altered, InputError for `out`."""
    if out.exists():
        raise InputError(f"cannot write {out}: it is there already", "name a new folder")
    copy_bundle(bundle_files(bundle), out)


def _is_model(place: Path) -> bool:
    return place.is_dir() and place.suffix not in UNFINISHED and place.name != LEARNT


def _plain(name: str) -> str:
    """A name as one part of a path: letters, digits, dash and underscore as they are, others as %XX."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else f"%{ord(c):02X}" for c in name)


def _state(content: Mapping[str, Any]) -> PumpModels:
    return PumpModels(
        active=str(content["active"]),
        shadow=str(content["shadow"]),
        before=tuple(map(str, content["before"])),
        site_model=str(content["site_model"]),
        adaptive=bool(content["adaptive"]),
        factor=float(content["factor"]),
        refused=_pair(content.get("refused", ("", ""))),
    )


def _pair(content: Sequence[Any]) -> tuple[str, str]:
    version, why = content
    return str(version), str(why)


def _stored(place: Path, state: PumpModels) -> StoredModel:
    active, shadow = place.name == state.active, place.name == state.shadow
    try:
        manifest = read_manifest(place)
    except BundleError as error:
        return StoredModel(place.name, place, None, error.message, active, shadow)
    wrong = "" if manifest.version == place.name else f"it holds version {manifest.version}"
    return StoredModel(place.name, place, manifest, wrong, active, shadow)
