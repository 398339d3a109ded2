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
    if text and (mistake := address_mistake(text)):
        table.note(key, *mistake)
    return text.rstrip("/") if text else text


def address_mistake(text: str) -> tuple[str, str] | None:
    """Why a text cannot be the address of a server, and what to do about it; None when it can."""
    try:
        parts = urlsplit(text)
        host, name, password = parts.hostname, parts.username, parts.password
    except ValueError:
        host = name = password = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        return f"must be an address as https://host, not {text!r}", ""
    if name or password:
        return "must have no name and no password in it", _SECRET_ADVICE
    if parts.scheme == "http" and not is_loopback(host):
        return "is not encrypted: the password would be read on its way", "write https://"
    return None


def _streams(table: Table) -> frozenset[SyncStream]:
    known = {stream.value: stream for stream in SyncStream}
    if table.content.get("streams") == []:
        table.note("streams", "is empty", "name what is to be sent, or take [sync] out")
    names = table.take_names("streams", known, tuple(stream.value for stream in USUAL_STREAMS))
    return frozenset(known[name] for name in names)
