"""Which pumps the database has, with the profiles that it keeps of them."""

import json
from dataclasses import fields, replace
from typing import Any

import apsw

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.pump.curve import CurvePoints
from pumpwatch_gui.domain.pump.derived import with_derived
from pumpwatch_gui.domain.pump.profile import Limits, Nameplate, PumpProfile, Sensor
from pumpwatch_gui.domain.values.readings import RecordedPump, RecordedSite
from pumpwatch_gui.store.layout import SITE_KEY
from pumpwatch_gui.store.span import reading_span


def read_pumps(connection: apsw.Connection) -> tuple[RecordedPump, ...]:
    """Every pump by its number, with what is derived of it and the ends of the history."""
    rows: list[Any] = connection.execute("SELECT pump_number, pump_id, name, profile FROM pumps ORDER BY 1").fetchall()
    span = reading_span(connection)
    return tuple(replace(_pump(connection, *row), first_ns=span.first_ns, last_ns=span.last_ns) for row in rows)


def read_site(connection: apsw.Connection) -> RecordedSite:
    """The site that was judged last; without a note of it every pump that the database has."""
    pumps = {pump.pump_id: pump for pump in read_pumps(connection)}
    noted = connection.execute("SELECT value FROM meta WHERE key = ?", (SITE_KEY,)).get
    try:
        kept: dict[str, Any] = json.loads(str(noted or "{}"))
        own = [replace(pumps[one["id"]], area=one["area"], duty=one["duty"]) for one in kept["pumps"]
               if one["id"] in pumps]  # fmt: skip
        return RecordedSite(str(kept["name"]), str(kept["currency"]), int(kept["noted_ns"]), tuple(own))
    except (ValueError, TypeError, KeyError):
        return RecordedSite("", "", 0, tuple(pumps.values()))


def _pump(connection: apsw.Connection, number: int, pump_id: str, name: str, text: str) -> RecordedPump:
    try:
        profile = profile_of_text(text)
    except (ValueError, TypeError, KeyError) as error:
        advice = "start PumpWatch once with the site file of this home: it notes the profile again"
        raise StoreError(f"the profile that the database keeps of {pump_id} cannot be read: {error}", advice) from error
    ever: dict[str, None] = {}
    for tags in connection.execute("SELECT tags FROM layouts WHERE pump_number = ? ORDER BY from_id", (number,)):
        ever |= dict.fromkeys(json.loads(str(tags[0])))
    former = tuple(tag for tag in ever if tag not in profile.tags)
    return RecordedPump(pump_id, name, profile, former)


def profile_of_text(text: str) -> PumpProfile:
    """The profile that was noted as JSON, with what can be derived. Raises ValueError, TypeError or KeyError."""
    return profile_of(json.loads(text))


def profile_of(kept: dict[str, Any]) -> PumpProfile:
    """The profile of JSON values, with what can be derived. Raises ValueError, TypeError or KeyError."""
    sensors = tuple(_sensor(plain) for plain in kept["sensors"])
    plate = {key: _pair(value) for key, value in _known(Nameplate, kept.get("nameplate") or {}).items()}
    curve = kept.get("curve")
    points = CurvePoints(**{key: _pair(x) for key, x in _known(CurvePoints, curve).items()}) if curve else None
    limits = {tag: Limits(**_known(Limits, own)) for tag, own in (kept.get("derived_limits") or {}).items()}
    profile = PumpProfile(kept["name"], sensors, kept.get("label", ""), nameplate=Nameplate(**plate), curve=points)
    return with_derived(profile, limits)


def _sensor(plain: dict[str, Any]) -> Sensor:
    own = {key: _pair(value) for key, value in _known(Sensor, plain).items()}
    return Sensor(**(own | {"limits": Limits(**_known(Limits, plain.get("limits") or {}))}))


def _known(kind: type[Any], plain: dict[str, Any]) -> dict[str, Any]:
    """What a class has fields for: a newer program may have noted more."""
    names = {field.name for field in fields(kind) if field.init}
    return {key: value for key, value in plain.items() if key in names}


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
