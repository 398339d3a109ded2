"""Register maps from their files, parsed once for each text and set of tags."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tomllib import TOMLDecodeError

from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.domain.links.map_document import parse_register_map
from pumpwatch_gui.domain.links.register_map import RegisterMap
from pumpwatch_gui.files.shipped import find_shipped
from pumpwatch_gui.files.toml_text import parse_toml, read_toml_text


def load_register_map(name: str, *, tags: Sequence[str], base_dir: Path | None = None) -> RegisterMap:
    """The shipped map of that name, or the one in the file that `name` is the path of.

    Raises InputError listing every mistake in the file.
    """
    try:
        path = find_shipped("resources/registers", name, suffix=".toml", base_dir=base_dir)
        found, problems = _parsed(read_toml_text(path), tuple(tags))
    except FileNotFoundError as error:
        raise InputError(f"register map {error}", "name a shipped map or give a path") from error
    except (OSError, UnicodeDecodeError, TOMLDecodeError) as error:
        raise InputError(f"register map {name}: {error}", "correct the file") from error
    if found is None:
        raise InputError(f"register map {path.name}: " + "; ".join(map(str, problems)), "correct the file")
    return found


def map_edition(name: str, *, base_dir: Path | None = None) -> str:
    """What changes when the file of a register map does; "" without a map, and for one that cannot be read."""
    if not name:
        return ""
    try:
        path = find_shipped("resources/registers", name, suffix=".toml", base_dir=base_dir)
        return sha256(read_toml_text(path).encode()).hexdigest()
    except (OSError, UnicodeDecodeError):
        return ""


@lru_cache(maxsize=64)  # each new connection asks again, on the loop: 40 points cost it some 10 ms
def _parsed(text: str, tags: tuple[str, ...]) -> tuple[RegisterMap | None, tuple[Problem, ...]]:
    found, problems = parse_register_map(parse_toml(text), tags=tags)
    return found, tuple(problems)
