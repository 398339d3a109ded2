"""Setting up the sync with a server: what was typed, what it will send a day, a trial of it, and where secrets go.

What speaks HTTP is loaded only for a trial.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from pumpwatch_gui.domain.errors import InputError, Problem
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.sync import SyncCheck, SyncSettings, SyncStream
from pumpwatch_gui.settings.sync_table import read_sync
from pumpwatch_gui.settings.toml_table import Table

DAY_S = 86_400
_A_ROW: Mapping[SyncStream, tuple[int, int]] = MappingProxyType(
    {SyncStream.DETECTIONS: (250, 75), SyncStream.ROLLUPS: (85, 48), SyncStream.READINGS: (150, 27)}
)
"""Bytes of a row as it is sent, and of each sensor in it (measured: 420 of a reading, 565 of a minute, of ten)."""


def typed_settings(url: str, auth_url: str, account: str, streams: Collection[SyncStream]) -> SyncSettings:
    """The settings that were typed. Raises InputError with every mistake."""
    names = [stream.value for stream in SyncStream if stream in streams]
    content = {"url": url.strip(), "account": account.strip(), "streams": names}
    if auth_url.strip():
        content["auth_url"] = auth_url.strip()
    problems: list[Problem] = []
    found = read_sync(Table({"sync": content}, "", problems))
    if found is None:
        words = [f"{p.path.removeprefix('sync.')} {p.message}" for p in problems]
        raise InputError("; ".join(words), "; ".join(dict.fromkeys(p.advice for p in problems if p.advice)))
    return found


def daily_volume(stream: SyncStream, site: Site) -> str:
    """How much of a stream a day brings from this site, in words."""
    match stream:
        case SyncStream.ALARMS | SyncStream.EVENTS | SyncStream.AUDIT:
            return "some rows a day"
        case SyncStream.DETECTIONS:
            return f"{_size(stream, site, 60.0)} a day, more while a pump is abnormal"
        case SyncStream.ROLLUPS:
            return f"{_size(stream, site, 60.0)} a day, a row a minute"
        case SyncStream.READINGS:
            return f"{_size(stream, site, 0.0)} a day, a row a scan"


def _size(stream: SyncStream, site: Site, every_s: float) -> str:
    """What the rows of a day are in bytes, one of each pump in `every_s`, or in each of its scans (0)."""
    fixed, a_sensor = _A_ROW[stream]
    total = sum(
        DAY_S / (every_s or min((link.period_s for link in pump.links), default=1.0))
        * (fixed + a_sensor * len(pump.profile.tags))
        for pump in site.pumps
    )  # fmt: skip
    return (
        f"{total / 1e9:.1f} GB"
        if total >= 1e9
        else f"{total / 1e6:.0f} MB"
        if total >= 1e7
        else f"{total / 1e6:.1f} MB"
    )


def kept_secrets(home: Path) -> tuple[bool, bool]:
    """Whether a password and a key are kept already. May take seconds."""
    from pumpwatch_gui.sync.secrets import find_secrets

    try:
        found = find_secrets(home)
    except InputError:
        return False, False
    return bool(found.password), bool(found.key)


def keep_typed(home: Path, key: str, password: str) -> str:
    """Keep what was typed of the secrets ("": as it was); where, in words. May take seconds. Raises InputError."""
    from pumpwatch_gui.sync.secrets import SyncSecrets, keep_secrets

    return keep_secrets(home, SyncSecrets(key.strip(), password))


def try_sync(
    home: Path, settings: SyncSettings, station: int, *, key: str = "", password: str = "",
    cancelled: Callable[[], bool] = lambda: False,
) -> list[SyncCheck]:  # fmt: skip
    """Try the connection, with what is kept of the secrets where "" is typed. Takes seconds. Raises InputError."""
    from pumpwatch_gui.sync.secrets import SyncSecrets, check_key, find_secrets
    from pumpwatch_gui.sync.trial import try_connection

    check_key(key.strip())
    secrets = SyncSecrets(key.strip(), password)
    if not (key and password):
        try:
            kept = find_secrets(home)
        except InputError:
            if not password:
                raise
            kept = secrets
        secrets = SyncSecrets(key.strip() or kept.key, password or kept.password)
    return try_connection(settings, secrets, station, cancelled)
