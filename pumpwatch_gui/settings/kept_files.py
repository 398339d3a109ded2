"""Which files make up an installation, its database aside: what a backup takes and a restore puts aside."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, Final

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.shipped import user_path
from pumpwatch_gui.files.toml_text import parse_toml, read_toml_text
from pumpwatch_gui.settings import cost_file, guidance_file

SITE_NAME: Final = "site.toml"
MOST_BYTES: Final = 4 << 20
"""Of a file that a site names: a register map or a profile is small, a recording is no part of an installation."""
_PATTERNS: Final = ("*.toml", "*.toml.*", "*.jsonl*", "window.ini", "learnt.json", "models/**/*", "registers/**/*.toml",
                    "profiles/**/*.toml")  # fmt: skip
_PASSING: Final = (".new", ".old")
"""Ends of the names of what is just being written."""
_KEY: Final = b"PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """Files by the name that they have in a home (with forward slashes), and what the site names but is not taken."""

    files: dict[str, Path]
    left_out: tuple[str, ...] = ()


def kept_files(home: Home, site_file: Path | None = None) -> KeptFiles:
    """The files of a home and of the site that is watched in it, without the database. Raises OSError.

    A site file of another folder takes the place of the home's own, with what lies there for it. Secrets are left out:
    `secrets.toml`, and every file with a private key.
    """
    found = {p.relative_to(home.path).as_posix(): p for pattern in _PATTERNS for p in home.path.glob(pattern)}
    left_out: list[str] = []
    if site_file is not None and site_file.is_file():
        folder = site_file.resolve().parent
        found[SITE_NAME] = site_file
        own = [folder / file for file in (guidance_file.FILE, cost_file.FILE)]
        for path in [*own, *_named_in(site_file, folder)]:
            if not path.exists():
                continue
            if not _is_inside(path, folder):
                left_out.append(f"{path}, which is not in the folder of the site file")
                continue
            for file in path.rglob("*") if path.is_dir() else [path]:
                found[file.resolve().relative_to(folder).as_posix()] = file
    taken: dict[str, Path] = {}
    for name, path in sorted(found.items()):
        if not path.is_file() or any(part.endswith(_PASSING) for part in Path(name).parts):
            continue
        if why := _secret(path) or _too_large(name, path):
            left_out.append(f"{path}, {why}")
        else:
            taken[name] = path
    return KeptFiles(taken, tuple(left_out))


def _named_in(site_file: Path, folder: Path) -> Iterator[Path]:
    """What the texts of a site file lead to: profiles, register maps, models, whichever driver has them."""
    try:
        document = parse_toml(read_toml_text(site_file))
    except (OSError, TOMLDecodeError):
        return  # the file itself is kept as it is
    for text in _texts(document):
        if ("/" in text or "\\" in text or text.endswith(".toml")) and len(text) < 1000:
            path = user_path(text, folder)
            if path.is_file() or (path / "manifest.json").is_file():
                yield path.resolve()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _is_inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder)


def _secret(path: Path) -> str:
    if path.name.startswith("secrets.toml"):
        return "a secret"
    is_small = path.stat().st_size < 1 << 20
    return "a private key" if is_small and _KEY in path.read_bytes() else ""


def _too_large(name: str, path: Path) -> str:
    is_own = name.startswith("models/") or ".jsonl" in name
    return "" if is_own or path.stat().st_size <= MOST_BYTES else f"which is larger than {MOST_BYTES >> 20} MiB"
