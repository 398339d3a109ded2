"""A text line → values by tag: JSON, CSV, `label:value` and NMEA-like. Pure, but for what a link remembers.

A line is used whole or not at all: a byte that was lost or changed moves values to other tags, or makes other numbers
of them, without anything to see. Only a sensor's own report that it has no value (null, an empty field, nan) leaves
the rest of its line valid.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping, Sequence
from math import isfinite, nan
from typing import Any

from pumpwatch_gui.acquire.text.checksum import ChecksumCheck
from pumpwatch_gui.acquire.text.config import ChecksumRule, LineFormat
from pumpwatch_gui.acquire.text.refusal import DropReason, LineRefused

Values = Mapping[str, float | None]
"""A line's values by tag: None where the sensor has none, NaN where it says that it is no number."""

# Not float(): it takes "1_000", digits of other scripts, and spaces around.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# "ovf" is what Arduino's Print makes of a float above 4294967040.
_NO_NUMBER = frozenset(("nan", "+nan", "-nan", "inf", "+inf", "-inf", "infinity", "-infinity", "ovf"))
_LABEL = re.compile(r"[A-Za-z_][\w .()/%-]*", re.ASCII)
_PAIRS = re.compile(r"[,;\t ]+")


class LineParser:
    """Reads the lines of one link. `tags` are the profile's; `columns` the fields' names, in order for csv and nmea.

    Names are compared with tags whatever their case. Without `columns` every tag is expected (csv: those of the
    header in the stream). A name in `columns` that is no tag is a field to pass over; one that starts with `$`, the
    first for nmea, names the sentence. Raises ValueError when `columns` names no tag.
    """

    def __init__(
        self, form: LineFormat, *, tags: Sequence[str], columns: Sequence[str] = (), checksum: ChecksumRule
    ) -> None:
        self._checksum = ChecksumCheck(checksum)
        self._by_name = {tag.lower(): tag for tag in tags}
        self._sentence = columns[0] if form is LineFormat.NMEA and columns and columns[0].startswith("$") else ""
        self._columns: tuple[str, ...] = tuple(c.strip().lower() for c in columns[bool(self._sentence) :])
        self._is_fixed = bool(self._columns)
        if self._is_fixed and not self._tags_of(self._columns):
            raise ValueError(f"columns: names none of the profile's tags, which are {', '.join(tags)}")
        if not self._is_fixed and form is LineFormat.NMEA:
            self._columns = tuple(self._by_name)
        self._expected = self._tags_of(self._columns) or tuple(tags)
        read: Mapping[LineFormat, Callable[[str], Values | None]] = {
            LineFormat.JSON: self._json,
            LineFormat.CSV: self._csv,
            LineFormat.KV: self._kv,
            LineFormat.NMEA: self._nmea,
        }
        self._read = read[form]

    def parse(self, line: bytes) -> Values | None:
        """The values of a line; None for one without any (a header, another sentence).

        Raises LineRefused.
        """
        # ESP boards print a boot banner at another speed, which arrives as bytes above 0x7F.
        try:
            text = line.removeprefix(BOM_UTF8).decode("ascii")
        except UnicodeDecodeError as error:
            raise LineRefused(DropReason.NOT_ASCII, f"the line has the byte 0x{line[error.start]:02X}") from None
        if not text.isprintable() and not text.replace("\t", "").isprintable():
            raise LineRefused(DropReason.NOT_ASCII, "the line has control characters")
        return self._read(self._checksum.strip(text.strip()))

    def _tags_of(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(self._by_name[n] for n in names if n in self._by_name)

    def _json(self, text: str) -> Values:
        # json.loads accepts NaN and Infinity, which are no JSON, and takes the last of two equal keys without a word.
        try:
            found = json.loads(text, object_pairs_hook=_once, parse_int=float, parse_constant=lambda _: nan)
        except (ValueError, RecursionError) as error:
            raise LineRefused(DropReason.SYNTAX, "the line is no JSON") from error
        if not isinstance(found, _Pairs):
            raise LineRefused(DropReason.SYNTAX, "the line is no JSON object")
        return self._chosen({k.lower(): v for k, v in found.items()}, _json_number)

    def _kv(self, text: str) -> Values:
        pairs: dict[str, str] = {}
        for piece in _PAIRS.split(re.sub(r"\s*:\s*", ":", text)):
            label, colon, value = piece.partition(":")
            if not colon or not _LABEL.fullmatch(label):
                raise LineRefused(DropReason.SYNTAX, f"{piece[:40]!r} is no label:value")
            if label.lower() in pairs:
                raise LineRefused(DropReason.FIELDS, f"{label} is twice in the line")
            pairs[label.lower()] = value
        return self._chosen(pairs, _number)

    def _csv(self, text: str) -> Values | None:
        fields = _split(text)
        names = tuple(f.lower() for f in fields)
        if all(_LABEL.fullmatch(f) and f.lower() not in _NO_NUMBER for f in fields):
            self._header(names)
            return None
        if not self._columns:
            raise LineRefused(DropReason.NO_HEADER, "no header has come yet; name the columns in the settings")
        return self._in_order(fields)

    def _header(self, names: tuple[str, ...]) -> None:
        """Take the names from a header in the stream; one that does not fit is refused.

        Most devices send it once, when they start: it is lost to a port that is opened later.
        """
        tags = self._tags_of(names)
        if not tags or len(set(names)) < len(names) or (self._is_fixed and names != self._columns):
            raise LineRefused(DropReason.HEADER, "a line of words that is no header of this profile's tags")
        if not self._is_fixed:
            self._columns, self._expected = names, tags

    def _nmea(self, text: str) -> Values | None:
        if not text.startswith("$"):
            raise LineRefused(DropReason.SYNTAX, "the line does not start with $")
        sentence, *fields = _split(text)
        if not _LABEL.fullmatch(sentence[1:]):
            raise LineRefused(DropReason.SYNTAX, f"{sentence[:40]!r} is no name of a sentence")
        if self._sentence and sentence.lower() != self._sentence.lower():
            return None
        return self._in_order(fields)

    def _in_order(self, fields: Sequence[str]) -> Values:
        if len(fields) != len(self._columns):
            raise LineRefused(DropReason.FIELDS, f"the line has {len(fields)} fields instead of {len(self._columns)}")
        return self._chosen(dict(zip(self._columns, fields, strict=True)), _number)

    def _chosen(self, found: Mapping[str, Any], read: Callable[[str, Any], float | None]) -> Values:
        if missing := [tag for tag in self._expected if tag.lower() not in found]:
            raise LineRefused(DropReason.FIELDS, f"the line lacks {', '.join(missing)}")
        return {tag: read(tag, found[tag.lower()]) for tag in self._expected}


class _Pairs(dict[str, Any]):
    """A JSON object."""


def _once(pairs: list[tuple[str, Any]]) -> _Pairs:
    """The object of these pairs. Raises LineRefused when two keys differ only by case, or not at all."""
    if len({key.lower() for key, _ in pairs}) < len(pairs):
        raise LineRefused(DropReason.FIELDS, "a key is twice in the line")
    return _Pairs(pairs)


def _split(text: str) -> list[str]:
    """Fields at semicolons, else tabs, else commas: with one of the first two a comma is a decimal comma."""
    separator = next((s for s in ";\t" if s in text), ",")
    return [field.strip() for field in text.split(separator)]


def _number(tag: str, text: str) -> float | None:
    if not text:
        return None
    if text.lower() in _NO_NUMBER:
        return nan
    if not _NUMBER.fullmatch(text):
        raise LineRefused(DropReason.NUMBER, f"{tag} is {text[:40]!r}, which is no number (a decimal comma is none)")
    value = float(text)
    return value if isfinite(value) else nan


def _json_number(tag: str, value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, float):
        raise LineRefused(DropReason.NUMBER, f"{tag} is {str(value)[:40]!r}, which is no number")
    return value if isfinite(value) else nan
