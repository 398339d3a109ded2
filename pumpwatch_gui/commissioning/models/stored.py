"""The models of a pump: that of the site file and the stored ones, as people choose among them."""

from dataclasses import dataclass
from pathlib import Path

from pumpwatch_gui.commissioning.pumps.profiles import LEARN, NO_MODEL
from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.domain.site import PumpSettings
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.shipped import find_shipped
from pumpwatch_gui.infer.bundles.bundle import CARD_FILE, Bundle, load_bundle
from pumpwatch_gui.infer.bundles.manifest import Manifest
from pumpwatch_gui.infer.bundles.registry import ModelRegistry, PumpModels, StoredModel, export_model
from pumpwatch_gui.infer.bundles.threshold_factor import threshold_factor_of


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model that a pump could use; `version` "" is the one that the site file names.

    `state` and `card` are for people. What only a usable model has is "" or 0 for one that is not: its name and kind,
    the hours of running that it was trained on, and its threshold factor.
    """

    version: str
    state: str
    card: str
    path: Path | None = None
    made_ns: int = 0
    is_active: bool = False
    is_usable: bool = False
    name: str = ""
    kind: str = ""
    trained_h: float = 0.0
    threshold_factor: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The models of a pump, the site file's first, then the stored ones, newest first.

    `shadow` is the version that runs in shadow ("": none); `is_adaptive` whether the threshold follows the pump.
    """

    rows: tuple[ModelRow, ...]
    shadow: str = ""
    is_adaptive: bool = False
    can_roll_back: bool = False


def models_of(home: Home, pump: PumpSettings, folder: Path | None) -> ModelChoice:
    """The models of a pump as they are on the disk now. Blocks. Raises BundleError for an unreadable state."""
    registry = ModelRegistry(home.models)
    state = registry.valid(pump.pump_id, site_model=pump.model)
    rows = [] if pump.model in (NO_MODEL, LEARN) else [_site_row(home, pump, state, folder)]
    rows += [_stored_row(stored, state) for stored in registry.models(pump.pump_id)]
    return ModelChoice(tuple(rows), state.shadow, state.adaptive, bool(state.before))


def store_model(home: Home, pump_id: str, bundle: Path) -> str:
    """Copy a bundle to the stored models of a pump; its version. Raises BundleError, InputError."""
    return ModelRegistry(home.models).add(pump_id, bundle)


def export_row(row: ModelRow, pump_id: str, folder: Path) -> Path:
    """Copy a model, card included, to a new folder inside `folder`. Raises BundleError, InputError."""
    if row.path is None:
        raise InputError("this model cannot be copied: it is not usable", "choose another one")
    out = folder / f"{pump_id}-{row.version or row.name}"
    export_model(row.path, out)
    return out


def bundle_of(home: Home, pump: PumpSettings, version: str, folder: Path | None) -> Bundle:
    """A stored version of a pump's model; "" is the one that the site file names.

    Raises BundleError when it cannot be used, InputError when the site file names none.
    """
    if version:
        return load_bundle(ModelRegistry(home.models).bundle(pump.pump_id, version), pump.profile)
    if pump.model in (NO_MODEL, LEARN):
        raise InputError(f"{pump.pump_id} has no model in the site file", "choose a stored one, or train one")
    try:
        return load_bundle(find_shipped("models", pump.model, base_dir=folder), pump.profile)
    except FileNotFoundError as error:
        raise InputError(f"the model of {pump.pump_id} is not there: {error}", "change it in the settings") from error


def _site_row(home: Home, pump: PumpSettings, state: PumpModels, folder: Path | None) -> ModelRow:
    is_active = not state.active
    words = "site file, active" if is_active else "site file"
    try:
        bundle = bundle_of(home, pump, "", folder)
    except PumpWatchError as error:
        return ModelRow("", f"{words}: not usable", error_text(error), is_active=is_active)
    if origin := str(bundle.manifest.trained.get("origin", "")):
        words = f"{words}, made from {origin}"
    if (refused := state.refused)[0] == bundle.version:
        return ModelRow("", f"site file, refused: {refused[1]}", bundle.card, bundle.path, is_active=is_active)
    return _row("", words, bundle.card, bundle.path, bundle.manifest, is_active=is_active)


def _stored_row(stored: StoredModel, state: PumpModels) -> ModelRow:
    is_active = stored.version == state.active
    if stored.error or stored.manifest is None:
        made_ns = stored.path.stat().st_mtime_ns
        return ModelRow(stored.version, "altered, refused", stored.error, stored.path, made_ns, is_active)
    words = ", ".join(word for word, on in (("active", is_active), ("shadow", stored.is_shadow)) if on)
    card = (stored.path / CARD_FILE).read_text("utf-8")
    return _row(stored.version, words or "stored", card, stored.path, stored.manifest, is_active=is_active)


def _row(version: str, state: str, card: str, path: Path, manifest: Manifest, *, is_active: bool) -> ModelRow:
    return ModelRow(
        version, state, card, path, (path / CARD_FILE).stat().st_mtime_ns, is_active, True, manifest.name,
        manifest.kind, float(manifest.trained["running_h"]), threshold_factor_of(manifest),
    )  # fmt: skip
