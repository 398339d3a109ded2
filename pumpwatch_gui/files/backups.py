"""The folder of a backup: its manifest, and whether every file in it is still what was written."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

from pumpwatch_gui.domain.errors import InputError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
CONTENT: Final = "home"
"""The folder in a backup that holds the files; it looks like a home."""
BLOCK: Final = 1 << 20
_ADVICE = "use another backup; this one was left as it is"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class BackedUpFile:
    """One file: its name below `CONTENT` with forward slashes, its length and its SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup holds. `made_ns`, `first_ns` and `last_ns` (first and last reading, 0: none) are Unix UTC."""

    program: str
    station: str
    made_ns: int
    first_ns: int
    last_ns: int
    files: tuple[BackedUpFile, ...]

    @property
    def content(self) -> bytes:
        """The JSON that is written. Its last line is the hash of all the rest: a manifest that was altered shows."""
        plain = {
            "format": FORMAT,
            "program": self.program,
            "station": self.station,
            "made": _iso(self.made_ns),
            "from": _iso(self.first_ns),
            "to": _iso(self.last_ns),
            "files": [asdict(file) for file in self.files],
        }
        return json.dumps({**plain, "sha256": _seal(plain)}, indent=1).encode()

    @property
    def span(self) -> str:
        """From the first to the last reading, in words."""
        return f"readings from {_iso(self.first_ns)} to {_iso(self.last_ns)}" if self.last_ns else "no readings"


def read_manifest(backup: Path) -> BackupManifest:
    """The manifest of a backup. Raises InputError when it is missing, altered, or of a format that is not known."""
    path = backup / MANIFEST
    try:
        plain = json.loads(path.read_bytes())
        seal = plain.pop("sha256")
        if plain["format"] > FORMAT:
            text = f"{backup} is a backup of format {plain['format']}, this program reads {FORMAT}"
            raise InputError(text, "use the version of the program that made it")
        if seal != _seal(plain):
            raise InputError(f"{path} was altered: it is not what was written", _ADVICE)
        files = tuple(BackedUpFile(f["name"], f["bytes"], f["sha256"]) for f in plain["files"])
        made_ns, first_ns, last_ns = (_ns(plain[key]) for key in ("made", "from", "to"))
        manifest = BackupManifest(plain["program"], plain["station"], made_ns, first_ns, last_ns, files)
    except FileNotFoundError as error:
        text = f"{backup} is not a whole backup: it has no {MANIFEST}"
        raise InputError(text, "give a folder that `pumpwatch backup` made, backup-YYYYMMDD-HHMMSS") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} is damaged: {error}", _ADVICE) from error
    for file in manifest.files:
        _check_name(path, file.name)
    return manifest


def verify_backup(backup: Path, manifest: BackupManifest) -> None:
    """Read every file of a backup. Raises InputError that names those that are missing, cut short or altered."""
    faults = [fault for file in manifest.files if (fault := _fault(backup / CONTENT / file.name, file))]
    if faults:
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise InputError(f"{backup} is damaged: {'; '.join(faults[:_SHOWN])}{more}", _ADVICE)


def entry_of(path: Path, name: str) -> BackedUpFile:
    """The line of the manifest for a file as it is now. Raises OSError."""
    return BackedUpFile(name, path.stat().st_size, sha256_of(path))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal, in pieces. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, readable for its owner alone, and force it to the disk. Raises OSError; `target` must not exist."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with source.open("rb") as read, target.open("xb") as written:
        target.chmod(0o600)
        while block := read.read(BLOCK):
            written.write(block)
        written.flush()
        os.fsync(written.fileno())


def total_bytes(files: Sequence[BackedUpFile]) -> int:
    """Bytes of all the files."""
    return sum(file.bytes for file in files)


def _fault(path: Path, file: BackedUpFile) -> str:
    try:
        length = path.stat().st_size
        if length != file.bytes:
            return f"{file.name} has {length:,} bytes, {file.bytes:,} were written"
        return "" if sha256_of(path) == file.sha256 else f"{file.name} was altered"
    except FileNotFoundError:
        return f"{file.name} is missing"
    except OSError as error:
        return f"{file.name} cannot be read ({error.strerror})"


def _check_name(manifest: Path, name: str) -> None:
    """Refuse a name that leads out of the folder, on whatever system it is read."""
    parts = PurePosixPath(name).parts
    leads_out = PureWindowsPath(name).is_absolute() or PureWindowsPath(name).drive or "\\" in name or ".." in parts
    if leads_out or not parts or name.startswith("/"):
        raise InputError(f"{manifest} names the file {name!r}, which is not in the backup", _ADVICE)


def _seal(plain: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _iso(time_ns: int) -> str:
    """Milliseconds are what a reading has."""
    if not time_ns:
        return ""
    return datetime.fromtimestamp(time_ns // 1_000_000 / 1e3, UTC).isoformat(timespec="milliseconds")


def _ns(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e3) * 1_000_000 if text else 0
