"""The keys of other programs: made here, shown once, kept as hashes in the home."""

import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.gateway import Scope
from pumpwatch_gui.files.atomic import write_atomic

KEY_BYTES = 32
LOOK_EVERY_S = 1.0
"""The file is looked at so often: a key that was taken away opens nothing after that."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key: `digest` is its SHA-256. `pumps` empty: all. `expires_s` (Unix seconds) 0: never.

    `key_id` is for people: it names a key and opens nothing.
    """

    key_id: str
    name: str
    scope: Scope
    digest: str
    created_s: float
    pumps: tuple[str, ...] = ()
    expires_s: float = 0.0

    def is_expired(self, now_s: float) -> bool:
        """Whether its time is over (Unix seconds)."""
        return 0 < self.expires_s <= now_s

    def allows_pump(self, pump_id: str) -> bool:
        """Whether it is for that pump."""
        return not self.pumps or pump_id in self.pumps


def digest_of(secret: str) -> str:
    """What is kept of a key. It has 256 random bits, so that a slow hash as for passwords would protect nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class KeyFile:
    """The keys of a home. Any thread."""

    def __init__(self, home: Path) -> None:
        self.path = home / "gateway-keys.json"
        self._used_path = home / "gateway-used.json"
        self._used: dict[str, int] = {}
        self._keys: tuple[ApiKey, ...] = ()
        self._stamp: tuple[int, int] | None = None
        self._looked_s = float("-inf")
        self._lock = threading.Lock()

    def all(self) -> tuple[ApiKey, ...]:
        """Every key, oldest first. Raises InputError when the file cannot be read."""
        try:
            rows = json.loads(self.path.read_text("utf-8"))
            return tuple(ApiKey(**(row | {"scope": Scope(row["scope"]), "pumps": tuple(row["pumps"])})) for row in rows)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError) as error:
            text = f"the keys in {self.path} cannot be read: {error}"
            raise InputError(text, "correct the file, or delete it and make the keys again") from error

    def make(self, scope: Scope, *, name: str = "", pumps: Sequence[str] = (), days: float = 0.0) -> tuple[str, ApiKey]:
        """A new key: its text, which is kept nowhere, and what is kept. Raises InputError, OSError."""
        secret, now_s = secrets.token_urlsafe(KEY_BYTES), time.time()
        expires_s = now_s + days * 86_400 if days else 0.0
        key = ApiKey(secrets.token_hex(4), name, scope, digest_of(secret), now_s, tuple(pumps), expires_s)
        self._write((*self.all(), key))
        return secret, key

    def remove(self, key_id: str) -> ApiKey:
        """Take a key away. Raises InputError when there is none of that id, OSError."""
        keys = self.all()
        found = next((key for key in keys if key.key_id == key_id), None)
        if found is None:
            raise InputError(f"there is no key {key_id}", "`pumpwatch gateway-key --list` shows what there is")
        self._write([key for key in keys if key is not found])
        return found

    def find(self, secret: str) -> ApiKey | None:
        """The key of that text. The time that it takes says nothing about how far a wrong one is right."""
        digest, found = digest_of(secret), None
        for key in self._current():
            if hmac.compare_digest(key.digest, digest):
                found = key
        if found is not None:
            self._used[found.key_id] = int(time.time())
        return found

    def by_id(self, key_id: str) -> ApiKey | None:
        """The key of that id."""
        return next((key for key in self._current() if key.key_id == key_id), None)

    def last_used(self) -> dict[str, int]:
        """When each key was last used, Unix seconds by its id, as it was written; those never used are left out."""
        try:
            found = json.loads(self._used_path.read_text("utf-8"))
            return {str(key_id): int(used_s) for key_id, used_s in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def write_last_used(self) -> None:
        """Write down which keys were used since the last time. Where it cannot be written, it is tried again."""
        used = dict(self._used)
        if not used:
            return
        known = {key.key_id for key in self._current()}
        whole = {key_id: used_s for key_id, used_s in (self.last_used() | used).items() if key_id in known}
        with suppress(OSError):
            write_atomic(self._used_path, (json.dumps(whole, indent=1) + "\n").encode())
            self._used_path.chmod(0o600)
            for key_id, used_s in used.items():
                if self._used.get(key_id) == used_s:
                    self._used.pop(key_id, None)

    def _current(self) -> tuple[ApiKey, ...]:
        with self._lock:
            if time.monotonic() - self._looked_s < LOOK_EVERY_S:
                return self._keys
            self._looked_s = time.monotonic()
            try:
                status = self.path.stat()
                stamp = (status.st_mtime_ns, status.st_ino)
                if stamp != self._stamp:
                    self._keys, self._stamp = self.all(), stamp
            except (OSError, InputError):  # no file, or one that is no file of keys: no key opens anything
                self._keys, self._stamp = (), None
            return self._keys

    def _write(self, keys: Sequence[ApiKey]) -> None:
        if not self.path.exists():  # the new file takes the permissions of the old one
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        with suppress(OSError):
            self.path.chmod(0o600)
        rows = [asdict(key) | {"scope": key.scope.value} for key in keys]
        write_atomic(self.path, (json.dumps(rows, indent=1) + "\n").encode())
