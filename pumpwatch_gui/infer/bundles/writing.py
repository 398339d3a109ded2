"""Writing model bundles: whole or not at all, and never over anything else."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.pump.running import run_rule
from pumpwatch_gui.files.atomic import write_folder_atomic
from pumpwatch_gui.infer.bundles.manifest import MANIFEST_FILE, SCHEMA, Manifest, digest_of, read_manifest


def check_place(folder: Path) -> None:
    """Raise InputError when `folder` is a file or holds something else than a bundle: it must not be replaced."""
    if folder.is_file() or (folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST_FILE).exists()):
        raise InputError(f"{folder} holds other files", "name a new folder, or that of an older model bundle")


def write_bundle(
    folder: Path, *, profile: PumpProfile, content: Mapping[str, Any], files: Mapping[str, bytes]
) -> Manifest:
    """Write a bundle whole or not at all; a bundle that was there is replaced.

    `content` are the fields of `Manifest` from `name` on that are not derived (kind, window, units, detector, trained,
    parity). Raises InputError when the folder holds something else than a bundle, or cannot be written, BundleError
    when what was written does not make a bundle.
    """
    rule = run_rule(profile)
    document: dict[str, Any] = {"schema": SCHEMA, "profile": profile.name}
    document["sensors"] = [
        {"tag": s.tag, "label": s.label, "unit": s.unit, "span": list(s.span), "resolution": s.resolution}
        for s in profile.sensors
    ]
    document["running"] = None if rule is None else {"tag": rule.tag, "above": rule.above}
    return write_document(folder, document | dict(content), files)


def write_document(folder: Path, document: Mapping[str, Any], files: Mapping[str, bytes]) -> Manifest:
    """Write a bundle of a manifest document and files; their checksums are computed here. Raises as `write_bundle`."""
    check_place(folder)
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    plain = json.loads(json.dumps({**document, "files": checksums}))  # as it will be read: the digest is taken of that
    plain["digest"] = digest_of(plain)
    copy_bundle({**files, MANIFEST_FILE: json.dumps(plain, indent=1).encode()}, folder)
    return read_manifest(folder)


def copy_bundle(files: Mapping[str, bytes], folder: Path, *, advice: str = "name a folder that can be written") -> None:
    """Put a bundle's files (name → content, the manifest among them) into `folder`. Raises InputError."""
    try:
        write_folder_atomic(folder, files)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}", advice) from error
