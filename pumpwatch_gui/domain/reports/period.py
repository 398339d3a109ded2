"""The period of a report: a shift, a day or a month in local time."""

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
    MONTHLY = "monthly"


_TITLES = {
    ReportKind.SHIFT: "Shift hand-over",
    ReportKind.DAILY: "Daily report",
    ReportKind.MONTHLY: "Monthly report",
}
_ADVICE = {
    ReportKind.SHIFT: f"write it as 2026-10-14T06:00 ({SHIFT_HOURS} h from then on) or 2026-10-14T06:00/18:00",
    ReportKind.DAILY: "write it as 2026-10-14",
    ReportKind.MONTHLY: "write it as 2026-10",
}
_FORMS = {
    ReportKind.SHIFT: r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(?:/(\d{2}:\d{2}))?",
    ReportKind.DAILY: r"(\d{4}-\d{2}-\d{2})",
    ReportKind.MONTHLY: r"(\d{4}-\d{2})",
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
        forms = {ReportKind.SHIFT: "%Y-%m-%dT%H%M", ReportKind.DAILY: "%Y-%m-%d", ReportKind.MONTHLY: "%Y-%m"}
        return f"{self.start:{forms[self.kind]}}"

    @property
    def text(self) -> str:
        """The period for people, with its zone."""
        first, last = self.start.astimezone(), self.end.astimezone()
        zones = " / ".join(dict.fromkeys(map(_zone, (first, last))))
        match self.kind:
            case ReportKind.SHIFT:
                until = f"{self.end:%H:%M}" if self.end.date() == self.start.date() else f"{self.end:%Y-%m-%d %H:%M}"
                return f"{self.start:%Y-%m-%d %H:%M} to {until}, {zones}"
            case ReportKind.DAILY:
                return f"{self.start:%A} {self.start:%Y-%m-%d}, {zones}"
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
        start = datetime.fromisoformat(f"{found[1]}-01" if kind is ReportKind.MONTHLY else found[1])
        if kind is ReportKind.MONTHLY:
            period = Period(kind, start, (start + timedelta(days=31)).replace(day=1))
        elif kind is ReportKind.DAILY:
            period = Period(kind, start, start + timedelta(days=1))
        else:
            period = Period(kind, start, _shift_end(start, found[2]))
        if not 0 < period.start_ns < period.end_ns:  # a shift that the clocks skip as well
            raise wrong
    except (ValueError, OverflowError, OSError):
        raise wrong from None
    return period


def _shift_end(start: datetime, clock: str | None) -> datetime:
    if clock is None:
        return start + timedelta(hours=SHIFT_HOURS)
    at = datetime.fromisoformat(f"{start:%Y-%m-%d}T{clock}")
    return at if at > start else at + timedelta(days=1)
