"""The same model with another threshold factor: a new bundle, of another version, whose limit is scaled."""

from pathlib import Path

from pumpwatch_gui.domain.errors import BundleError, InputError
from pumpwatch_gui.infer.bundles.bundle import CARD_FILE
from pumpwatch_gui.infer.bundles.manifest import Manifest, read_manifest, read_whole
from pumpwatch_gui.infer.bundles.writing import write_document
from pumpwatch_gui.infer.training.normal_running import THRESHOLD_FACTOR

MIN_FACTOR, MAX_FACTOR = 0.5, 5.0
_FIELD = "sensitivity"
"""What manifests have called it since their first version: the name stays, or older bundles could not be read."""


def threshold_factor_of(manifest: Manifest) -> float:
    """The threshold factor of a bundle: a higher one alarms less."""
    return float(manifest.trained.get(_FIELD, THRESHOLD_FACTOR))


def with_threshold_factor(bundle: Path, out: Path, factor: float) -> Manifest:
    """Write a copy of a conditioned bundle whose limit is that of another threshold factor.

    Its card says so, and which version it comes from. Raises InputError for a factor outside 0.5 to 5 or an `out` that
    cannot be written, BundleError for a bundle that was altered or whose kind has no such limit.
    """
    if not MIN_FACTOR <= factor <= MAX_FACTOR:
        text = f"threshold factor {factor:g} is not {MIN_FACTOR:g} to {MAX_FACTOR:g}"
        raise InputError(text, "1.0 alarms most, 1.5 little")
    manifest = read_manifest(bundle)
    document, files = read_whole(bundle)
    limits = document["detector"].get("limits")
    if not isinstance(limits, dict) or not isinstance(limits.get("limit"), int | float):
        raise BundleError(f"{bundle}: kind {manifest.kind} has no limit that can be set", "train another kind")
    limits["limit"] *= factor / threshold_factor_of(manifest)
    document["trained"] |= {_FIELD: factor, "derived from": manifest.version}
    changed = f"\n## Changed\nThreshold factor {factor:g}, from version {manifest.version}.\n".encode()
    return write_document(out, document, files | {CARD_FILE: files.get(CARD_FILE, b"") + changed})
