"""The key of the server and the password of the station's account, from where they may be kept."""

import base64
import binascii
import json
import os
import re
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.files.atomic import write_atomic
from pumpwatch_gui.files.toml_text import parse_toml

SERVICE = "PumpWatch"
KEYRING_S = 2.0
"""A locked key store asks a person, and there may be none."""
FILE = "secrets.toml"
_KEY, _PASSWORD = "sync_key", "sync_password"
_VARIABLES: Mapping[str, str] = {_KEY: "PUMPWATCH_SYNC_KEY", _PASSWORD: "PUMPWATCH_SYNC_PASSWORD"}


@dataclass(frozen=True, slots=True)
class SyncSecrets:
    """What opens the server. No text of it shows the two."""

    key: str = field(repr=False)
    password: str = field(repr=False)


def find_secrets(
    home: Path,
    *,
    environment: Mapping[str, str] = os.environ,
    keyring: Callable[[str], str] | None = None,
) -> SyncSecrets:
    """Each of the two from the system's key store, else the environment, else `secrets.toml` in the home.

    Raises InputError when the password is nowhere, when the file can be read by others, and for a key that opens more
    than a station may have.
    """
    in_store = keyring or _from_keyring
    found: dict[str, str] = {}
    from_file: dict[str, str] | None = None
    for name, variable in _VARIABLES.items():
        found[name] = (in_store(name) or environment.get(variable, "")).strip()
        if not found[name]:
            from_file = _from_file(home / FILE) if from_file is None else from_file
            found[name] = from_file.get(name, "").strip()
    if not found[_PASSWORD]:
        raise InputError(
            "the password of the sync account is nowhere",
            f"`keyring set {SERVICE} {_PASSWORD}`, or {_VARIABLES[_PASSWORD]}, or {_PASSWORD} in {home / FILE} (0600)",
        )
    check_key(found[_KEY])
    return SyncSecrets(found[_KEY], found[_PASSWORD])


def keep_secrets(
    home: Path,
    secrets: SyncSecrets,
    *,
    environment: Mapping[str, str] = os.environ,
    keyring: Callable[[str, str], bool] | None = None,
) -> str:
    """Keep key and password in the system's key store, else in `secrets.toml` in the home (0600); where, in words.

    One that is "" stays as it is. Raises InputError where they cannot be kept, and for a key that `check_key` refuses.
    """
    check_key(secrets.key)
    given = {name: value for name, value in ((_KEY, secrets.key), (_PASSWORD, secrets.password)) if value}
    to_store = keyring or _to_keyring
    left = {name: value for name, value in given.items() if not to_store(name, value)}
    if not left:
        return "kept in the key store of the system" if given else "nothing new to keep"
    _to_file(home / FILE, left)
    where = f"kept in {home / FILE}, which only you can read"
    first = [_VARIABLES[name] for name in left if environment.get(_VARIABLES[name])]
    return f"{where}; but {' and '.join(first)} of the environment comes first" if first else where


def check_key(key: str) -> None:
    """Raise InputError for a key that passes over row-level security: with it one station could write every other."""
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise InputError("the sync key has characters that no key has", "copy it again, without a line break")
    if key.startswith("sb_secret_") or _role_in(key) in ("service_role", "supabase_admin"):
        raise InputError(
            "the sync key is a secret key: it passes over row-level security, so this computer could read and change "
            "the rows of every station",
            "use the publishable key (sb_publishable_…) and replace the secret one, for it has left its place",
        )


def _role_in(key: str) -> str:
    """The role that a token names, "" where the key is none."""
    parts = key.split(".")
    if len(parts) != 3:
        return ""
    try:
        content: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return ""
    return str(content.get("role", "")) if isinstance(content, dict) else ""


def _from_file(path: Path) -> dict[str, str]:
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", "check its permissions") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path} can be read by other users", f"chmod 600 {path}")
    try:
        return {key: value for key, value in parse_toml(text).items() if isinstance(value, str)}
    except TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML", f'write {_PASSWORD} = "…" a line') from error


def _to_file(path: Path, values: Mapping[str, str]) -> None:
    """Write some lines of the file new; what else is in it stays."""
    before = _from_file(path)
    try:
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        for name, value in values.items():
            lines = [line for line in lines if not re.match(rf"\s*{name}\s*=", line)]
            # JSON writes a text as TOML reads it, but for DEL.
            lines.insert(0, f"{name} = " + json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F"))
        text = "\n".join(lines) + "\n"
        if parse_toml(text) | before | dict(values) != parse_toml(text):
            raise InputError(f"{path} cannot be changed without losing what is in it", "write it by hand")
        write_atomic(path, text.encode(), is_private=True)
    except (OSError, TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be written: {error}", "check its permissions and the disk") from error


def _from_keyring(name: str) -> str:
    """From the key store of the system; "" without one, and where it does not answer in time."""

    def ask() -> str:
        import keyring  # type: ignore[import-not-found, unused-ignore]

        return keyring.get_password(SERVICE, name) or ""

    return _in_time(ask)


def _to_keyring(name: str, value: str) -> bool:
    """Into the key store of the system; whether it has it now."""

    def keep() -> str:
        import keyring

        keyring.set_password(SERVICE, name, value)
        return keyring.get_password(SERVICE, name) or ""

    return _in_time(keep) == value


def _in_time(call: Callable[[], str]) -> str:
    """What a key store says; "" without one, and where it does not answer in time."""
    found: list[str] = []

    def run() -> None:
        try:
            found.append(call())
        except Exception:  # noqa: BLE001 - no key store, one without a session, a broken one: there are other places
            return

    thread = threading.Thread(target=run, name="pumpwatch-keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_S)
    return found[0] if found else ""
