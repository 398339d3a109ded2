"""What a post says: strict JSON, the original's keys, bounded; refused whole with the reason."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from starlette.requests import ClientDisconnect, Request

from pumpwatch_gui.domain.links.inlet import Post
from pumpwatch_gui.share.gateway.refusals import Kind, Refusal

MAX_BODY = 64_000
BODY_WITHIN_S = 10.0
PUMP_KEYS, TIME_KEY = ("pump", "pump_id"), "timestamp"
MAX_IGNORED = 20
TIME_ADVICE = "give ISO 8601 with an offset, as 2026-10-25T14:30:07Z, or Unix seconds"


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON object as it was posted: its members by key in lower case, and the keys as they were written."""

    members: Mapping[str, Any]
    written: Mapping[str, str]

    @property
    def pump_id(self) -> str:
        """The pump that it names, "" for none. Raises Refusal."""
        for key in PUMP_KEYS:
            if key in self.members:
                name = self.members[key]
                if not isinstance(name, str):
                    raise Refusal(400, Kind.MALFORMED, f"{key}: must be a text", "give the id of the pump")
                return name
        return ""

    def post(self, tags: Sequence[str]) -> tuple[Post, list[str]]:
        """The values of these tags, and the keys that are none of them. Raises Refusal."""
        by_key = {tag.lower(): tag for tag in tags}
        values = {by_key[k]: _number(self.written[k], v) for k, v in self.members.items() if k in by_key}
        if not values:
            raise malformed("none of its keys is a tag of the pump", f"known: {', '.join(tags)}")
        time_ns = _time_ns(self.members[TIME_KEY]) if TIME_KEY in self.members else 0
        known = {*by_key, *PUMP_KEYS, TIME_KEY}
        ignored = [written[:80] for key, written in self.written.items() if key not in known]
        return Post(values, time_ns), ignored[:MAX_IGNORED]


async def read_body(request: Request) -> bytes:
    """The body, at most 64 kB, within 10 s. Raises Refusal."""
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced[:12]) > MAX_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY:
                    raise _too_large()
    except TimeoutError as error:
        raise Refusal(408, Kind.TOO_SLOW, f"the body did not come within {BODY_WITHIN_S:g} s") from error
    except ClientDisconnect as error:
        raise malformed("the body ended too soon") from error
    return bytes(body)


def parse_body(content: bytes) -> Body:
    """The JSON object in a body. Raises Refusal for anything else, and for a key that is there twice (case apart)."""
    written: list[list[str]] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        members = {key.lower(): value for key, value in found}
        if len(members) < len(found):
            raise ValueError("a key is there twice")
        written.append([key for key, _ in found])
        return members

    def constant(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise malformed(f"is no JSON: {error.msg} at character {error.pos}") from error
    except UnicodeDecodeError as error:
        raise malformed("is not UTF-8") from error
    except RecursionError as error:
        raise malformed("is nested too deeply") from error
    except ValueError as error:  # a doubled key, NaN, or a whole number of more digits than Python reads
        raise malformed("is no JSON: " + str(error).partition(";")[0][:200]) from error
    if not isinstance(found, dict):
        raise malformed("must be a JSON object")
    return Body(found, {key.lower(): key for key in written[-1]})


def malformed(text: str, advice: str = "send one JSON object of tags and numbers") -> Refusal:
    """A body that cannot be used."""
    return Refusal(400, Kind.MALFORMED, f"the body {text}", advice)


def _too_large() -> Refusal:
    return Refusal(413, Kind.TOO_LARGE, f"the body has more than {MAX_BODY:,} bytes", "send one set of values a post")


def _number(key: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal(400, Kind.MALFORMED, f"{key[:80]}: must be a number or null", "send values as numbers")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not isfinite(number):
        raise Refusal(400, Kind.MALFORMED, f"{key[:80]}: must be finite", "send null where there is no reading")
    return number


def _time_ns(value: object) -> int:
    """Unix nanoseconds of ISO 8601 with an offset, or of Unix seconds. Raises Refusal."""
    if isinstance(value, str):
        with suppress(ValueError):
            found = with_offset(value)
            if found.year >= 1971:
                return int(found.timestamp() * 1e6) * 1000
    elif isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 4e9:
        return int(value * 1e9)
    raise Refusal(400, Kind.MALFORMED, f"{TIME_KEY}: is no time with an offset", TIME_ADVICE)


def with_offset(text: str) -> datetime:
    """A time in ISO 8601. Raises ValueError when it is none, and when it has no offset."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return found
