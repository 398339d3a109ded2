"""The `[sync]` table of the site file: where a station sends to. Without it nothing is sent."""

from typing import Final
from urllib.parse import urlsplit

from pumpwatch_gui.domain.gateway import is_loopback
from pumpwatch_gui.domain.sync import USUAL_STREAMS, SyncSettings, SyncStream
from pumpwatch_gui.settings.toml_table import Table

_SECRETS: Final = ("key", "password", "secret", "token", "apikey", "service_key")
_SECRET_ADVICE: Final = "take it out of the file and put it in the key store, the environment or secrets.toml"


def read_sync(top: Table) -> SyncSettings | None:
    """The settings; None without the table, or when it has a mistake."""
    table = top.table("sync")
    if "sync" not in top.content:
        return None
    before = len(table.problems)
    for name in _SECRETS:
        if table.take(name, object, "nothing", None) is not None:
            table.note(name, "is a secret, and the site file is no place for one", _SECRET_ADVICE)
    url, auth_url = _address(table, "url", ...), _address(table, "auth_url", "")
    account = table.take_text("account")
    streams = _streams(table)
    table.finish()
    if len(table.problems) > before or url is None or account is None:
        return None
    return SyncSettings(url, account, auth_url or "", streams)


def _address(table: Table, key: str, default: object) -> str | None:
    text = table.take_text(key, default)
    if not text:
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        table.note(key, f"must be an address as https://host, not {text!r}")
    elif parts.username or parts.password:
        table.note(key, "must have no name and no password in it", _SECRET_ADVICE)
    elif parts.scheme == "http" and not is_loopback(parts.hostname):
        table.note(key, "is not encrypted: the password would be read on its way", "write https://")
    return text.rstrip("/")


def _streams(table: Table) -> frozenset[SyncStream]:
    known = {stream.value: stream for stream in SyncStream}
    if table.content.get("streams") == []:
        table.note("streams", "is empty", "name what is to be sent, or take [sync] out")
    names = table.take_names("streams", known, tuple(stream.value for stream in USUAL_STREAMS))
    return frozenset(known[name] for name in names)
