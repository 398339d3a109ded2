"""The same model with another sensitivity: a new bundle, sealed anew, whose limit is scaled."""

import hashlib
import json
from pathlib import Path

from pumpwatch_gui.domain.errors import BundleError, InputError
from pumpwatch_gui.infer.bundles.manifest import MANIFEST_FILE, Manifest, check_place, digest_of, read_manifest
from pumpwatch_gui.infer.training.normal_running import SENSITIVITY

LEAST, MOST = 0.5, 5.0


def threshold_factor_of(manifest: Manifest) -> float:
    """The sensitivity of a bundle: 1.0 tells most, 1.5 least."""
    return float(manifest.trained.get("sensitivity", SENSITIVITY))


def with_threshold_factor(bundle: Path, out: Path, sensitivity: float) -> Manifest:
    """Write a copy of a conditioned bundle whose limit is that of another sensitivity.

    Its card says so, and which version it comes from. Raises InputError for a sensitivity outside 0.5 to 5 or an `out`
    that cannot be written, BundleError for a bundle that was altered or whose kind has no such limit.
    """
    if not LEAST <= sensitivity <= MOST:
        raise InputError(f"sensitivity {sensitivity:g} is not {LEAST:g} to {MOST:g}", "1.0 tells most, 1.5 least")
    manifest = read_manifest(bundle)
    document = json.loads((bundle / MANIFEST_FILE).read_text("utf-8"))
    if "limits" not in document["detector"]:
        raise BundleError(f"{bundle}: kind {manifest.kind} has no limit that can be set", "train another kind")
    check_place(out)
    document["detector"]["limits"]["limit"] *= sensitivity / threshold_factor_of(manifest)
    document["trained"] |= {"sensitivity": sensitivity, "derived from": manifest.version}
    files = {name: (bundle / name).read_bytes() for name in document["files"]}
    files["card.md"] += f"\n## Changed\nSensitivity {sensitivity:g}, from version {manifest.version}.\n".encode()
    document["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    document["digest"] = digest_of(document)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (out / name).write_bytes(data)
        (out / MANIFEST_FILE).write_text(json.dumps(document, indent=1), "utf-8")
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}", "name a folder that can be written") from error
    return read_manifest(out)
