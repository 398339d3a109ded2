"""Who may do what: keys, scopes, pumps, and how often."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from pumpwatch_gui.domain.gateway import Scope, is_loopback
from pumpwatch_gui.share.gateway.openapi import STREAM, TICKET
from pumpwatch_gui.share.gateway.refusals import Kind, Refusal
from pumpwatch_gui.share.gateway.tickets import key_of_ticket
from pumpwatch_gui.share.keys import ApiKey, KeyFile

MOST_PER_S = 100.0
"""Requests a second of one key, or of one address without a key; so many at once after a pause."""
MAX_BUCKETS = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: the key, None where the gateway is open."""

    key: ApiKey | None

    def allows(self, pump_id: str) -> bool:
        """Whether the pump may be seen or fed."""
        return self.key is None or self.key.allows_pump(pump_id)


class RateLimit:
    """A bucket of tokens for each key or address; the longest unused are forgotten. Only on the gateway's loop."""

    def __init__(self, per_s: float = MOST_PER_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._clock = per_s, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> None:
        """Take a token. Raises Refusal (429, with Retry-After) when there is none."""
        now_s = self._clock()
        tokens, at_s = self._buckets.pop(who, (self._per_s, now_s))
        tokens = min(self._per_s, tokens + (now_s - at_s) * self._per_s)
        is_over = tokens < 1
        self._buckets[who] = (tokens if is_over else tokens - 1, now_s)
        while len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        if is_over:
            wait_s = max(1, math.ceil((1 - tokens) / self._per_s))
            text = f"more than {self._per_s:g} requests a second"
            raise Refusal(429, Kind.TOO_FAST, text, "send less often", headers={"Retry-After": str(wait_s)})


class Admission:
    """Checks the key of a request. `is_open`: none is needed."""

    def __init__(self, keys: KeyFile, *, is_open: bool, rate: RateLimit | None = None) -> None:
        self._keys, self._is_open = keys, is_open
        self._rate = rate or RateLimit()

    def admit(self, request: Request, scope: Scope | None) -> Caller:
        """Who sends the request. Raises Refusal. `scope` None: what everybody may see."""
        given = _key_of(request) if scope is not None else ""
        key = self._keys.find(given) if given else None
        ticket = "" if given or request.url.path != STREAM else request.query_params.get("ticket", "")
        if ticket:
            given, key = ticket, key_of_ticket(self._keys, ticket)
        self._rate.take(f"key {key.key_id}" if key else f"address {request.client.host if request.client else ''}")
        if scope is None:
            return Caller(None)
        if self._is_open and not given:
            _check_here(request)
            return Caller(None)
        if not given:
            raise _unauthorised(Kind.NO_KEY, "a key is needed", "send it as `Authorization: Bearer KEY`")
        if ticket and (key is None or key.is_expired(time.time())):
            kind = Kind.WRONG_KEY if key is None else Kind.EXPIRED
            raise _unauthorised(kind, "the ticket is not known or has expired", f"get a new one at {TICKET}")
        if key is None:
            raise _unauthorised(Kind.WRONG_KEY, "the key is not known", "make one with `pumpwatch gateway-key`")
        if key.is_expired(time.time()):
            raise _unauthorised(Kind.EXPIRED, "the key has expired", "make a new one with `pumpwatch gateway-key`")
        if key.scope is not scope:
            text = f"the key has the scope {key.scope.value}, {scope.value} is needed"
            raise Refusal(403, Kind.SCOPE, text, "use a key of that scope")
        return Caller(key)


def _key_of(request: Request) -> str:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key", "").strip()


def _check_here(request: Request) -> None:
    """Raise Refusal for what a browser sends for a page of elsewhere: without a key nothing else would keep it out.

    A page may post to any address, and a name server may give its own name the address of this computer.
    """
    for name in ("host", "origin"):
        text = request.headers.get(name, "")
        host = urlsplit(text if "//" in text else f"//{text}").hostname or "" if text else "localhost"
        if not is_loopback(host):
            advice = "use http://127.0.0.1, or send a key"
            raise Refusal(403, Kind.ELSEWHERE, "without a key only programs of this computer are let in", advice)


def _unauthorised(kind: Kind, text: str, advice: str) -> Refusal:
    return Refusal(401, kind, text, advice, headers={"WWW-Authenticate": "Bearer"})
