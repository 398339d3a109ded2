"""The manifest of a model bundle: what it says, how it proves that nothing was altered, and how it is written."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pumpwatch_gui.domain.errors import BundleError, InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.pump.running import RunRule, run_rule

SCHEMA = 1
MANIFEST_FILE = "manifest.json"
ADVICE = "train it again, or copy the whole bundle again from where it was made"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself. `version` is the beginning of its digest, so no two contents share one.

    `sensors` in order, `rule` tells when such a pump runs; `window` samples and `units` of the network; `detector` and
    `trained` are tables of the kind; `parity` holds one window and TensorFlow's answer to it.
    """

    name: str
    kind: str
    version: str
    profile: str
    sensors: tuple[Sensor, ...]
    rule: RunRule | None
    window: int
    units: int
    detector: Mapping[str, Any]
    trained: Mapping[str, Any]
    parity: Mapping[str, Any]


def read_manifest(folder: Path) -> Manifest:
    """Read and check a bundle's manifest and the hash of each of its files. Raises BundleError with the reason."""
    try:
        content = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
    except FileNotFoundError:
        raise BundleError(f"{folder}: there is no {MANIFEST_FILE}", "give the folder of a model bundle") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder}: the manifest cannot be read ({error})", ADVICE) from None
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int):
        raise BundleError(f"{folder}: the manifest is not that of a model", ADVICE)
    if content["schema"] > SCHEMA:
        raise BundleError(f"{folder}: made by a newer PumpWatch (schema {content['schema']})", "update PumpWatch")
    if content.get("digest") != digest_of(content):
        raise BundleError(f"{folder}: the manifest was altered", ADVICE)
    try:
        _check_files(folder, content["files"])
        return _manifest(content)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{folder}: the manifest lacks something ({error})", ADVICE) from None


def check_place(folder: Path) -> None:
    """Raise InputError when `folder` is a file or holds something else than a bundle: it must not be replaced."""
    if folder.is_file() or (folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST_FILE).exists()):
        raise InputError(f"{folder} holds other files", "name a new folder, or that of an older model bundle")


def write_bundle(
    folder: Path, *, profile: PumpProfile, content: Mapping[str, Any], files: Mapping[str, bytes]
) -> Manifest:
    """Write a bundle whole or not at all; a bundle that stood there is replaced.

    `content` are the fields of `Manifest` from `name` on that are not derived (kind, window, units, detector, trained,
    parity). Raises InputError when the folder holds something else than a bundle, or cannot be written.
    """
    check_place(folder)
    document = _document(profile, content, files)
    fresh = folder.with_name(folder.name + ".new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for name, data in files.items():
            (fresh / name).write_bytes(data)
        (fresh / MANIFEST_FILE).write_text(json.dumps(document, indent=1), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}", "name a folder that can be written") from error
    return read_manifest(folder)


def append_to_file(folder: Path, name: str, text: str) -> Manifest:
    """Append text to one of a bundle's files (its card) and seal the bundle anew: it gets another version.

    Raises BundleError when the bundle is not whole, InputError when it cannot be written.
    """
    read_manifest(folder)
    document = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
    data = (folder / name).read_bytes() + text.encode()
    document["files"][name] = hashlib.sha256(data).hexdigest()
    document["digest"] = digest_of(document)
    try:
        (folder / name).write_bytes(data)
        (folder / MANIFEST_FILE).write_text(json.dumps(document, indent=1), "utf-8")
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}", "name a folder that can be written") from error
    return read_manifest(folder)


def _document(profile: PumpProfile, content: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    rule = run_rule(profile)
    document: dict[str, Any] = {"schema": SCHEMA, "profile": profile.name}
    document["sensors"] = [
        {"tag": s.tag, "label": s.label, "unit": s.unit, "span": list(s.span), "resolution": s.resolution}
        for s in profile.sensors
    ]
    document["running"] = None if rule is None else {"tag": rule.tag, "above": rule.above}
    document |= content
    document["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    document = json.loads(json.dumps(document))
    return document | {"digest": digest_of(document)}


def digest_of(document: Mapping[str, Any]) -> str:
    """The seal of a manifest document: SHA-256 of all its fields but the seal itself."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _check_files(folder: Path, hashes: Mapping[str, str]) -> None:
    for name, wanted in hashes.items():
        if Path(name).name != name:
            raise ValueError(f"{name!r} is no plain file name")
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise BundleError(f"{folder}: {name} is missing or cannot be read ({error.strerror})", ADVICE) from None
        if hashlib.sha256(data).hexdigest() != wanted:
            raise BundleError(f"{folder}: {name} was altered or cut short", ADVICE)


def _manifest(content: Mapping[str, Any]) -> Manifest:
    sensors = tuple(
        Sensor(s["tag"], s["label"], s["unit"], (s["span"][0], s["span"][1]), s["resolution"])
        for s in content["sensors"]
    )
    rule = content["running"]
    return Manifest(
        name=content["name"],
        kind=content["kind"],
        version=content["digest"][:12],
        profile=content["profile"],
        sensors=sensors,
        rule=None if rule is None else RunRule(rule["tag"], float(rule["above"])),
        window=int(content["window"]),
        units=int(content["units"]),
        detector=content["detector"],
        trained=content["trained"],
        parity=content["parity"],
    )
