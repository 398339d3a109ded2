"""Register maps in and out: a file that keeps its comments, checked as a whole before it is written."""

from collections.abc import Mapping
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.codings import COUNTS
from pumpwatch_gui.domain.links.map_document import parse_register_map
from pumpwatch_gui.domain.links.register_map import (
    BASES,
    SCALE_WORDS,
    CurrentLoop,
    IdentityRead,
    Point,
    RegisterMap,
    number_in,
)
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.files.toml_text import parse_toml, read_toml_text

HEAD = ("name", "register_bytes", "label", "profile", "maker", "models", "source", "sureness", "confirmed")
"""What a map says about itself, besides the notation of its addresses."""


def shipped_maps() -> tuple[str, ...]:
    """The names of the maps that came with the program."""
    return tuple(sorted(p.stem for p in (shipped("resources") / "registers").glob("*.toml")))


def read_map(text: str) -> RegisterMap:
    """The whole map of a file's text, with every tag in it. Raises InputError listing every mistake."""
    try:
        document = parse_toml(text)
    except TOMLDecodeError as error:
        raise InputError(f"the register map is not TOML: {error}", "correct that line") from error
    rows = document.get("point")
    tags = [row.get("tag") for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    found, problems = parse_register_map(document, tags=[t for t in tags if isinstance(t, str)])
    if found is None:
        raise InputError("register map: " + "; ".join(map(str, problems)), "correct what is named")
    return found


def read_map_file(path: Path) -> RegisterMap:
    """The whole map in a file. Raises InputError naming the file."""
    try:
        return read_map(read_toml_text(path))
    except OSError as error:
        raise InputError(f"register map {path} cannot be read: {error}", "check the path") from error
    except InputError as error:
        raise InputError(f"{path.name}: {error.message}", error.advice) from error


def map_text(found: RegisterMap) -> str:
    """The map as a new file would hold it, in its own notation of addresses."""
    file = MapFile("", found.base)
    file.set_head(**{key: getattr(found, key) for key in HEAD})
    for identity in found.identity:
        file.add_identity(identity)
    for point in found.points:
        file.set_point(point)
    return file.text


class MapFile:
    """A map's text open for changes; comments and what is not touched stay as they are.

    Raises InputError when the text is not TOML or has another base than 0, 1 or 40001; `base` is for an empty text.
    """

    def __init__(self, text: str, base: int = 0) -> None:
        try:
            parse_toml(text)  # tomlkit lets more pass
            self._document = tomlkit.parse(text)
        except (TOMLDecodeError, TOMLKitError, RecursionError) as error:
            raise InputError(f"the register map is not TOML: {error}", "correct that line") from error
        if base and "base" not in self._document:
            self._document["base"] = base
        written = self._document.get("base", 0)
        if written not in BASES:
            raise InputError(f"the register map has base {written}", "it must be 0, 1 or 40001")
        self.base = int(written)

    @property
    def text(self) -> str:
        """The file as it would be saved."""
        return tomlkit.dumps(self._document)

    def set_head(self, **head: Any) -> None:
        """Set what the map says about itself (keys of `HEAD`); what is empty, or as usual, is not written."""
        for key in HEAD:
            value = head.get(key)
            if value and self._document.get(key) != value and (key, value) != ("register_bytes", 2):
                self._document[key] = list(value) if isinstance(value, tuple) else value

    def add_identity(self, identity: IdentityRead) -> None:
        """Add what says which device it is."""
        written = {"name": identity.point.tag, **self._written(identity.point), "expect": list(identity.expect) or None}
        row = tomlkit.table()
        for key, value in written.items():
            if value is not None and key != "tag":
                row[key] = value
        if "identity" not in self._document:
            self._document["identity"] = tomlkit.aot()
        rows: Any = self._document["identity"]
        rows.append(row)

    def set_point(self, point: Point) -> None:
        """Add a point, or change the one of that tag."""
        row = next((r for r in self._rows() if r.get("tag") == point.tag), None)
        if row is None:
            row = tomlkit.table()
            self._rows().append(row)
            row = self._rows()[-1]
        for key, value in self._written(point).items():
            if value is None:
                row.pop(key, None)
            elif row.get(key) != value or type(row.get(key)) is bool:
                row[key] = value

    def remove_point(self, tag: str) -> None:
        """Take a point out; raises KeyError when there is none of that tag."""
        index = next((i for i, r in enumerate(self._rows()) if r.get("tag") == tag), None)
        if index is None:
            raise KeyError(tag)
        del self._rows()[index]

    def save(self, path: Path) -> None:
        """Check the whole and put it in place at once. Raises InputError; the file is then untouched."""
        read_map(self.text)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, self.text.encode())
        except OSError as error:
            raise InputError(f"not saved: {path}: {error.strerror}", "check the disk and permissions") from error

    def _rows(self) -> Any:
        if "point" not in self._document:
            self._document["point"] = tomlkit.aot()
        return self._document["point"]

    def _written(self, point: Point) -> dict[str, Any]:
        """Key → value as it is in a file; None where the default needs no line."""
        return {
            "tag": point.tag,
            "table": point.table,
            "address": number_in(point.address, point.table, self.base),
            "type": point.type,
            "order": point.order if point.size > 1 or point.order != "ABCD" else None,
            "bit": point.bit if point.type in ("bit", "bits") else None,
            "bits": point.bits if point.type == "bits" else None,
            "byte": point.byte if point.type in ("uint8", "int8") else None,
            "registers": point.registers if point.registers and point.type in COUNTS else None,
            "scale": point.scale if point.scale != 1.0 else None,
            "offset": point.offset if point.offset else None,
            **self._scale(point),
            "current_loop": _loop(point.current_loop) if point.current_loop else None,
            "not_available": list(point.not_available) or None,
        }

    def _scale(self, point: Point) -> dict[str, Any]:
        scale = point.scaled_by
        keys: dict[str, Any] = dict.fromkeys((*SCALE_WORDS, "scale_type"))
        if scale is not None:
            keys[scale.how] = number_in(scale.address, point.table, self.base)
            keys["scale_type"] = scale.type if scale.type != SCALE_WORDS[scale.how] else None
        return keys


def _loop(loop: CurrentLoop) -> Any:
    table = tomlkit.inline_table()
    for key, pair in (("raw", loop.raw), ("ma", loop.ma), ("value", loop.value)):
        table[key] = list(pair)
    return table
