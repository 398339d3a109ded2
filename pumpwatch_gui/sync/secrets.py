"""The key of the server and the password of the station's account, from where they may be kept."""

import base64
import binascii
import json
import os
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

from pumpwatch_gui.domain.errors import InputError
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


def _from_keyring(name: str) -> str:
    """From the key store of the system; "" without one, and where it does not answer in time."""
    found: list[str] = []

    def ask() -> None:
        try:
            import keyring  # type: ignore[import-not-found, unused-ignore]

            found.append(keyring.get_password(SERVICE, name) or "")
        except Exception:  # noqa: BLE001 - no key store, one without a session, a broken one: there are other places
            return

    thread = threading.Thread(target=ask, name="pumpwatch-keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_S)
    return found[0] if found else ""
