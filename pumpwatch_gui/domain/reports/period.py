"""The period of a report: a shift, a day, a week, a month or an incident in local time."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from pumpwatch_gui.domain.errors import InputError

SHIFT_HOURS = 8


class ReportKind(Enum):
    """The reports there are, by the name of the command line."""

    SHIFT = "shift"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    INCIDENT = "incident"


_TITLES = {
    ReportKind.SHIFT: "Shift hand-over",
    ReportKind.DAILY: "Daily report",
    ReportKind.WEEKLY: "Weekly report",
    ReportKind.MONTHLY: "Monthly report",
    ReportKind.INCIDENT: "Incident report",
}
_ADVICE = {
    ReportKind.SHIFT: f"write it as 2026-10-14 06:00 ({SHIFT_HOURS} h from then on) or 2026-10-14 06:00 to 18:00",
    ReportKind.DAILY: "write it as 2026-10-14",
    ReportKind.WEEKLY: "write it as 2026 week 42, by ISO 8601: from Monday on",
    ReportKind.MONTHLY: "write it as 2026-10",
    ReportKind.INCIDENT: "write it as 2026-10-14 03:10 to 03:40",
}
_FORMS = {
    ReportKind.SHIFT: r"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2})(?:(?:/| to )(\d{2}:\d{2}))?",
    ReportKind.DAILY: r"(\d{4}-\d{2}-\d{2})",
    ReportKind.WEEKLY: r"(\d{4})(?:-W| week )(\d{2})",
    ReportKind.MONTHLY: r"(\d{4}-\d{2})",
    ReportKind.INCIDENT: r"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2})(?:/| to )(\d{2}:\d{2})",
}
_NAMES = {
    ReportKind.SHIFT: "%Y-%m-%dT%H%M",
    ReportKind.DAILY: "%Y-%m-%d",
    ReportKind.WEEKLY: "%G-W%V",
    ReportKind.MONTHLY: "%Y-%m",
    ReportKind.INCIDENT: "%Y-%m-%dT%H%M",
}


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to `end`, both wall-clock times of this machine's zone without an offset."""

    kind: ReportKind
    start: datetime
    end: datetime

    @property
    def start_ns(self) -> int:
        """Unix UTC."""
        return int(self.start.timestamp()) * 10**9

    @property
    def end_ns(self) -> int:
        """Unix UTC."""
        return int(self.end.timestamp()) * 10**9

    @property
    def title(self) -> str:
        """The name of the report."""
        return _TITLES[self.kind]

    @property
    def name(self) -> str:
        """The period in a file name; names sort as the periods do."""
        return f"{self.start:{_NAMES[self.kind]}}"

    def file_name(self, station: str) -> str:
        """The name of the files of its report, without an ending; names sort as the periods do."""
        kept = "".join(letter.lower() if letter.isalnum() else " " for letter in station)
        return f"{self.name}_{self.kind.value}_{'-'.join(kept.split())[:60] or 'station'}"

    @property
    def typed(self) -> str:
        """The period as `parse_period` reads it."""
        if self.kind in (ReportKind.SHIFT, ReportKind.INCIDENT):
            return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%H:%M}"
        return f"{self.start:%G week %V}" if self.kind is ReportKind.WEEKLY else self.name

    @property
    def text(self) -> str:
        """The period for people, with its zone."""
        zones = " / ".join(dict.fromkeys(_zone(at.astimezone()) for at in (self.start, self.end)))
        match self.kind:
            case ReportKind.SHIFT | ReportKind.INCIDENT:
                until = f"{self.end:%H:%M}" if self.end.date() == self.start.date() else f"{self.end:%Y-%m-%d %H:%M}"
                return f"{self.start:%Y-%m-%d %H:%M} to {until}, {zones}"
            case ReportKind.DAILY:
                return f"{self.start:%A} {self.start:%Y-%m-%d}, {zones}"
            case ReportKind.WEEKLY:
                last = self.end - timedelta(days=1)
                return f"week {self.start:%V}, {self.start:%Y-%m-%d} to {last:%Y-%m-%d}, {zones}"
            case ReportKind.MONTHLY:
                return f"{self.start:%B} {self.start:%Y}, {zones}"

    def previous(self) -> "Period":
        """The period before it: of the same length, or the month before."""
        if self.kind is ReportKind.MONTHLY:
            return Period(self.kind, (self.start - timedelta(days=1)).replace(day=1), self.start)
        return Period(self.kind, self.start - (self.end - self.start), self.start)


def _zone(at: datetime) -> str:
    """The zone of a time: `UTC`, `CET (UTC+01:00)`."""
    offset = f"{at:%z}"
    return f"{at:%Z}" if offset == "+0000" else f"{at:%Z} (UTC{offset[:3]}:{offset[3:5]})"


def parse_period(kind: ReportKind, text: str) -> Period:
    """The period that a person has typed. Raises InputError, which says how to write one."""
    found = re.fullmatch(_FORMS[kind], text.strip(), re.ASCII)
    wrong = InputError(f"--period {text!r} is no period of a {kind.value} report", _ADVICE[kind])
    if found is None:
        raise wrong
    try:
        period = _period(kind, found)
        if not 0 < period.start_ns < period.end_ns:  # a shift that the clocks skip as well
            raise wrong
    except (ValueError, OverflowError, OSError):
        raise wrong from None
    return period


def _period(kind: ReportKind, typed: re.Match[str]) -> Period:
    match kind:
        case ReportKind.MONTHLY:
            start = datetime.fromisoformat(f"{typed[1]}-01")
            return Period(kind, start, (start + timedelta(days=31)).replace(day=1))
        case ReportKind.WEEKLY:
            start = datetime.fromisoformat(f"{typed[1]}-W{typed[2]}-1")
            return Period(kind, start, start + timedelta(days=7))
        case ReportKind.DAILY:
            start = datetime.fromisoformat(typed[1])
            return Period(kind, start, start + timedelta(days=1))
        case ReportKind.SHIFT | ReportKind.INCIDENT:
            start = datetime.fromisoformat(typed[1])
            return Period(kind, start, _clock_end(start, typed[2]))


def _clock_end(start: datetime, clock: str | None) -> datetime:
    if clock is None:
        return start + timedelta(hours=SHIFT_HOURS)
    at = datetime.fromisoformat(f"{start:%Y-%m-%d}T{clock}")
    return at if at > start else at + timedelta(days=1)
