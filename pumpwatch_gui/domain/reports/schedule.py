"""Which reports are made by themselves, and of which periods they are due."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise

from pumpwatch_gui.domain.reports.period import Period, ReportKind

SCHEDULED = (ReportKind.SHIFT, ReportKind.DAILY, ReportKind.WEEKLY, ReportKind.MONTHLY)
"""The kinds that have a period of their own; that of an incident is named by a person."""
SETTLED = timedelta(minutes=2)
"""So long after its end everything of a period is stored."""
FORMATS = ("pdf", "xlsx")


@dataclass(frozen=True, slots=True)
class ReportSchedule:
    """The reports of `kinds` are made after each of their periods, as files of `formats` in `folder`.

    `folder` and `logo` (a picture for every report, "" for none) start at the folder of the site file. `shifts` are the
    local times at which shifts begin; each ends with the next one. Raises ValueError when two of them are equal, or
    there is none.
    """

    kinds: tuple[ReportKind, ...] = ()
    folder: str = "reports"
    shifts: tuple[time, ...] = (time(6), time(14), time(22))
    formats: tuple[str, ...] = FORMATS
    logo: str = ""

    def __post_init__(self) -> None:
        """Check the shifts."""
        if not self.shifts or len(set(self.shifts)) != len(self.shifts):
            raise ValueError("shifts must begin at different times, and one at least")

    def ended(self, now: datetime) -> tuple[Period, ...]:
        """The newest period of each kind that has ended and settled by `now` (local time without an offset).

        Of what was missed while the program was off only the newest is made up.
        """
        return tuple(self._last(kind, now - SETTLED) for kind in self.kinds)

    def _last(self, kind: ReportKind, by: datetime) -> Period:
        today = by.replace(hour=0, minute=0, second=0, microsecond=0)
        match kind:
            case ReportKind.DAILY:
                return Period(kind, today - timedelta(days=1), today)
            case ReportKind.WEEKLY:
                monday = today - timedelta(days=today.weekday())
                return Period(kind, monday - timedelta(days=7), monday)
            case ReportKind.MONTHLY:
                first = today.replace(day=1)
                return Period(kind, (first - timedelta(days=1)).replace(day=1), first)
            case ReportKind.SHIFT | ReportKind.INCIDENT:
                days = [today + timedelta(days=day) for day in (-2, -1, 0)]
                begun = [datetime.combine(day, at) for day in days for at in sorted(self.shifts)]
                start, end = [(a, b) for a, b in pairwise(begun) if b <= by][-1]
                return Period(ReportKind.SHIFT, start, end)
