"""The manifest of a model bundle: what it says of itself, read without trust.

Its digest is an unkeyed checksum over the manifest, which holds a checksum of every file. It finds accidents: a copy
that was cut short, a file that was edited. It is no signature: whoever can write the folder can compute it again. That
a network computes what it was trained to is proven apart, by the parity window (`load_bundle`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import BundleError
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.pump.running import RunRule
from pumpwatch_gui.infer.network.autoencoder import MODEL_FILE
from pumpwatch_gui.infer.network.numpy_forward import WEIGHTS_FILE

SCHEMA = 1
MANIFEST_FILE = "manifest.json"
ADVICE = "train it again, or copy the whole bundle again from where it was made"
MAX_WINDOW = 10_000
MAX_UNITS = 4_096
MAX_BYTES = 20_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself. `version` is the beginning of its digest, so no two contents share one.

    `sensors` in order, `rule` says when such a pump runs; `window` samples and `units` of the network (0: it has
    none); `detector` and `trained` are tables of the kind; `parity` holds one window and TensorFlow's reconstruction
    of it, each (1, window, n), None without a network.
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
    parity: tuple[NDArray[np.float32], NDArray[np.float32]] | None


def read_manifest(folder: Path) -> Manifest:
    """Read and check a bundle's manifest and the checksum of each of its files. Raises BundleError with the reason."""
    return _manifest(folder, read_whole(folder)[0])


def read_whole(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest as a document, and the content of each file it names (name → content), all checksums checked.

    Raises BundleError with the reason.
    """
    document = _document(folder)
    files: dict[str, bytes] = {}
    for name, wanted in _items(folder, document):
        try:
            files[name] = (folder / name).read_bytes()
        except OSError as error:
            raise BundleError(f"{folder}: {name} is missing or cannot be read ({error.strerror})", ADVICE) from None
        if hashlib.sha256(files[name]).hexdigest() != wanted:
            raise BundleError(f"{folder}: {name} was altered or cut short", ADVICE)
    return document, files


def bundle_files(folder: Path) -> dict[str, bytes]:
    """Every file of a bundle, its manifest among them (name → content), all checksums checked. Raises BundleError."""
    return read_whole(folder)[1] | {MANIFEST_FILE: (folder / MANIFEST_FILE).read_bytes()}


def digest_of(document: Mapping[str, Any]) -> str:
    """The checksum of a manifest document: SHA-256 of all its fields but the checksum itself."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _document(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST_FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BundleError(f"{folder}: the manifest is larger than {MAX_BYTES // 1_000_000} MB", ADVICE)
        document = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{folder}: there is no {MANIFEST_FILE}", "give the folder of a model bundle") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{folder}: the manifest cannot be read ({error})", ADVICE) from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(document, dict) or type(schema) is not int:
        raise BundleError(f"{folder}: the manifest is not that of a model", ADVICE)
    if schema > SCHEMA:
        raise BundleError(f"{folder}: made by a newer PumpWatch (schema {schema})", "update PumpWatch")
    if document.get("digest") != digest_of(document):
        raise BundleError(f"{folder}: the manifest was altered or damaged (its checksum does not fit)", ADVICE)
    return document


def _items(folder: Path, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    files = document.get("files")
    if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
        raise BundleError(f"{folder}: the manifest cannot be used (files is not a table of checksums)", ADVICE)
    for name in files:
        if Path(name).name != name or name == MANIFEST_FILE or not name.isprintable():
            raise BundleError(f"{folder}: the manifest cannot be used ({name!r} is no plain file name)", ADVICE)
    return list(files.items())


def _manifest(folder: Path, document: Mapping[str, Any]) -> Manifest:
    try:
        _check_finite(document, "")
        sensors = tuple(map(_sensor, _take(document, "sensors", list, "a list of tables")))
        PumpProfile(_take(document, "profile", str, "a text"), sensors)  # refuses no, too many and equal sensors
        window = _whole(document, "window", least=1, most=MAX_WINDOW)
        units = _whole(document, "units", least=0, most=MAX_UNITS)
        detector = _take(document, "detector", dict, "a table")
        if detector.get("window", window) != window:
            raise ValueError(f"detector.window is {detector['window']!r}, that of the model {window}")
        missing = {MODEL_FILE, WEIGHTS_FILE} - document["files"].keys() if units else set()
        if missing:
            raise ValueError(f"files does not name {' and '.join(sorted(missing))}")
        trained = _take(document, "trained", dict, "a table")
        if "sensitivity" in trained and _number(trained, "sensitivity") <= 0:
            raise ValueError("sensitivity must be above 0")
        return Manifest(
            name=_take(document, "name", str, "a text"),
            kind=_take(document, "kind", str, "a text"),
            version=document["digest"][:12],
            profile=document["profile"],
            sensors=sensors,
            rule=_rule(document.get("running")),
            window=window,
            units=units,
            detector=detector,
            trained=trained,
            parity=_parity(document, (window, len(sensors))) if units else None,
        )
    except ValueError as error:
        raise BundleError(f"{folder}: the manifest cannot be used ({error})", ADVICE) from None


def _check_finite(value: object, path: str) -> None:
    """Refuse NaN and infinity wherever they are: JSON has neither, but Python reads both, and 1e999 as well."""
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{path} is not finite")
    if isinstance(value, dict):
        for key, item in value.items():
            _check_finite(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _check_finite(item, f"{path}[{i}]")


def _sensor(row: object) -> Sensor:
    if not isinstance(row, dict):
        raise ValueError("a sensor is not a table")
    span = _take(row, "span", list, "a list of two numbers")
    if len(span) != 2:
        raise ValueError("span is not a list of two numbers")
    ends = {"low": span[0], "high": span[1]}
    return Sensor(
        _take(row, "tag", str, "a text"),
        _take(row, "label", str, "a text"),
        _take(row, "unit", str, "a text"),
        (_number(ends, "low"), _number(ends, "high")),
        _number(row, "resolution"),
    )


def _rule(row: object) -> RunRule | None:
    if row is None:
        return None
    if not isinstance(row, dict):
        raise ValueError("running is not a table")
    return RunRule(_take(row, "tag", str, "a text"), _number(row, "above"))


def _parity(document: Mapping[str, Any], shape: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    held = _take(document, "parity", dict, "a table")
    pair = []
    for key in ("window", "reconstruction"):
        try:
            array = np.array(held.get(key), dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            array = np.empty(())
        if array.shape != shape or not (np.abs(array) < np.finfo(np.float32).max).all():
            raise ValueError(f"parity.{key} is not {shape[0]} samples of {shape[1]} numbers")
        pair.append(array.astype(np.float32)[np.newaxis])
    return pair[0], pair[1]


def _take(table: Mapping[str, Any], key: str, kind: type[T], words: str) -> T:
    value = table.get(key)
    if not isinstance(value, kind):
        raise ValueError(f"{key} is not {words}" if key in table else f"{key} is missing")
    return value


def _number(table: Mapping[str, Any], key: str) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        raise ValueError(f"{key} is not a number" if key in table else f"{key} is missing")
    return float(value)


def _whole(table: Mapping[str, Any], key: str, *, least: int, most: int) -> int:
    value = table.get(key)
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{key} is not a whole number from {least} to {most}")
    return value
