"""When a pump was out of service, and how often it failed: what was said of its maintenance events.

In the sense of ISO 14224: down is what was out of service for whatever reason, a failure is what a person confirmed as
one, and availability is up time by up and down time. Nothing is concluded from alarms or readings.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan

from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent


@dataclass(frozen=True, slots=True)
class Outages:
    """What a pump was out of service for in a period.

    `spans` (Unix ns) lie within it, in order, without overlap. `failures` began in it; `repairs_h` are how long those
    lasted of which that is known. `unsaid` events of the period were resolved without a word on whether the pump
    failed or, of a failure, how long it was down: what they hide is not known.
    """

    spans: tuple[tuple[int, int], ...] = ()
    failures: int = 0
    repairs_h: tuple[float, ...] = ()
    unsaid: int = 0

    @property
    def down_h(self) -> float:
        """Hours out of service."""
        return sum(end - start for start, end in self.spans) / 3.6e12


def outages_of(events: Iterable[MaintenanceEvent], pump_id: str, start_ns: int, end_ns: int) -> Outages:
    """The outages of a pump from one time up to another (Unix UTC)."""
    own = [event for event in events if event.pump_id == pump_id and event.is_resolved]
    spans = [_span(event) for event in own if event.down_s > 0]
    cut = sorted((max(a, start_ns), min(b, end_ns)) for a, b in spans)
    failed = [e for e in own if e.is_failure and start_ns <= (e.down_from_ns or e.time_ns) < end_ns]
    return Outages(
        spans=_joined([(a, b) for a, b in cut if a < b]),
        failures=len(failed),
        repairs_h=tuple(event.down_s / 3600 for event in failed if not isnan(event.down_s)),
        unsaid=sum(_is_unsaid(e) and e.time_ns < end_ns and e.resolved_ns >= start_ns for e in own),
    )


def _span(event: MaintenanceEvent) -> tuple[int, int]:
    start_ns = event.down_from_ns or event.time_ns
    return start_ns, start_ns + round(event.down_s * 1e9)


def _is_unsaid(event: MaintenanceEvent) -> bool:
    return event.is_failure is None or (event.is_failure and isnan(event.down_s))


def _joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return tuple(joined)
