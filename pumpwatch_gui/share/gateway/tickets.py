"""Tickets: a browser reads the stream with one, for its EventSource can send no key.

A ticket is part of an address, which browsers and proxies may keep: it opens the stream alone, for an hour, and only
while its key is there. It is signed, not kept, so that it outlasts a restart of the gateway: a browser connects again
with the ticket that it has.
"""

import hashlib
import hmac
from dataclasses import replace

from pumpwatch_gui.share.keys import ApiKey, KeyFile

TICKET_S = 3600


def make_ticket(key: ApiKey, now_s: float) -> tuple[str, int]:
    """A ticket of a key, and until when it opens the stream (Unix seconds): not for longer than the key itself."""
    until_s = int(now_s) + TICKET_S
    if key.expires_s:
        until_s = min(until_s, int(key.expires_s))
    return f"{key.key_id}.{until_s}.{_signature(key, until_s)}", until_s


def key_of_ticket(keys: KeyFile, ticket: str) -> ApiKey | None:
    """The key of a ticket, with the expiry of the ticket; None where no key of the home has signed it."""
    key_id, _, rest = ticket.partition(".")
    until, _, signature = rest.partition(".")
    key = keys.by_id(key_id)
    if key is None or not (until.isascii() and until.isdigit() and len(until) < 12):
        return None
    if not hmac.compare_digest(signature.encode(), _signature(key, int(until)).encode()):
        return None
    return replace(key, expires_s=float(until))


def _signature(key: ApiKey, until_s: int) -> str:
    return hmac.new(key.digest.encode(), f"stream of {key.key_id} until {until_s}".encode(), hashlib.sha256).hexdigest()
