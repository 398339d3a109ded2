"""A model on disk, checked and ready to use."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pumpwatch_gui.domain.errors import BundleError
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.infer.bundles.manifest import ADVICE, Manifest, read_manifest
from pumpwatch_gui.infer.detectors.detector import Detector
from pumpwatch_gui.infer.detectors.kinds import DETECTORS
from pumpwatch_gui.infer.network.autoencoder import MODEL_FILE, Autoencoder
from pumpwatch_gui.infer.network.numpy_forward import WEIGHTS_FILE, Weights

CARD_FILE = "card.md"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A detector with what is known about it. `version` is unique to the content; `path` the folder it came from."""

    manifest: Manifest
    path: Path
    detector: Detector

    @property
    def name(self) -> str:
        """The name the model was given."""
        return self.manifest.name

    @property
    def kind(self) -> str:
        """The kind of its detector."""
        return self.manifest.kind

    @property
    def version(self) -> str:
        """The beginning of the content's digest."""
        return self.manifest.version

    @property
    def card(self) -> str:
        """What it was trained on and how well it does, as Markdown."""
        return (self.path / CARD_FILE).read_text("utf-8")


def load_bundle(path: Path, profile: PumpProfile) -> Bundle:
    """The bundle in the folder `path`, for a pump of `profile`, proven: its network computes what it was trained to.

    Raises BundleError with the reason when a file is missing, altered or cut short, when it was made by a newer
    program, or for other sensors (another tag, order or unit) than the profile's, when a number in it is not finite,
    and when the runtime does not reconstruct the parity window as TensorFlow did.
    """
    manifest = read_manifest(path)
    _check_profile(path, manifest, profile)
    build = DETECTORS.get(manifest.kind)
    if build is None:
        raise BundleError(f"{path}: detector kind {manifest.kind!r} is not known", f"there are: {', '.join(DETECTORS)}")
    try:
        manifest, network = _proven(path, manifest.version) or (manifest, None)
        return Bundle(manifest, path, build(profile, network, manifest.detector))
    except KeyError as error:
        raise BundleError(f"{path}: the model cannot be used ({error} is missing)", ADVICE) from None
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise BundleError(f"{path}: the model cannot be used ({error})", ADVICE) from None


@lru_cache(maxsize=16)
def _proven(path: Path, version: str) -> tuple[Manifest, Autoencoder] | None:
    """Manifest and network of a bundle, None for a kind without. The pumps of one model share both, and their proof.

    Another model in the same folder has another `version`, and so another key. Raises OSError, ValueError or
    BundleError.
    """
    manifest = read_manifest(path)
    if manifest.version != version or manifest.parity is None:
        return None
    content = (path / WEIGHTS_FILE).read_bytes()
    weights = Weights.from_bytes(content, sensors=len(manifest.sensors), units=manifest.units)
    network = Autoencoder(path / MODEL_FILE, weights, window=manifest.window)
    network.prove(*manifest.parity)
    return manifest, network


def profile_of(manifest: Manifest) -> PumpProfile:
    """The profile as the manifest knows it: sensors without limits, no nameplate."""
    return PumpProfile(manifest.profile, manifest.sensors)


def _check_profile(path: Path, manifest: Manifest, profile: PumpProfile) -> None:
    made_for, wanted = (tuple(map(_what, sensors)) for sensors in (manifest.sensors, profile.sensors))
    if made_for == wanted:
        return
    advice = f"train a model for profile {profile.name}"
    if len(made_for) != len(wanted):
        text = f"{len(made_for)} sensors, profile {profile.name} has {len(wanted)}"
    else:
        a, b = next(pair for pair in zip(made_for, wanted, strict=True) if pair[0] != pair[1])
        text = f"{a} where profile {profile.name} has {b}"
    raise BundleError(f"{path}: the model is for profile {manifest.profile}: {text}", advice)


def _what(sensor: Sensor) -> str:
    return f"{sensor.tag} in {sensor.unit}"
