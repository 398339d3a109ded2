"""How links read in tables and panels: state, counters, response times, the last error."""

from collections.abc import Callable
from math import isfinite

from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.wording import number
from pumpwatch_gui.gui.tables.rows_model import Column

_MARKS = {LinkState.ONLINE: "●", LinkState.CONNECTING: "○", LinkState.STALE: "▲", LinkState.OFFLINE: "✕"}


def state_text(view: LinkView) -> str:
    """The state with its mark."""
    return f"{_MARKS[view.state]} {view.state.value}"


def response_text(view: LinkView) -> str:
    """The median of the response times and what 95 % of them stay below, in ms."""
    if not isfinite(view.response_p50_ms):
        return "none yet"
    return f"{number(view.response_p50_ms, 1)} / {number(view.response_p95_ms, 1)}"


def trouble_text(view: LinkView) -> str:
    """The last error with its probable cause."""
    if not view.last_error:
        return ""
    earlier = "earlier: " if view.state is LinkState.ONLINE else ""
    return f"{earlier}{view.last_error}" + (f" – {view.last_advice}" if view.last_advice else "")


def exceptions_text(view: LinkView) -> str:
    """Count by code: `2: 14, 6: 1`."""
    return ", ".join(f"{code}: {count:,}" for code, count in sorted(view.exceptions.items()))


def _count(title: str, of: Callable[[LinkView], int], tip: str) -> Column[LinkView]:
    return Column(title, lambda v: f"{of(v):,}", right=True, tip=lambda _: tip, is_dim=lambda v: not of(v))


_COLUMNS = (
    Column[LinkView]("Link", lambda v: v.link_id),
    Column[LinkView]("Endpoint", lambda v: v.endpoint, tip=lambda v: f"{v.endpoint} ({v.driver})", elided=True),
    Column[LinkView]("State", state_text),
    _count("Frames", lambda v: v.frames, "Results of scans, those that failed too"),
    _count("Requests", lambda v: v.requests, "Requests that were sent (text lines: lines that came)"),
    _count("Good", lambda v: v.good, "Responses that passed every check"),
    _count("Time-outs", lambda v: v.timeouts, "No response in time"),
    _count("Refused", lambda v: v.refused_responses, "Responses of another unit or function"),
    _count("Length", lambda v: v.wrong_length, "Short and long responses"),
    _count("CRC", lambda v: v.crc_errors, "Damaged on the way"),
    Column[LinkView]("Exceptions", exceptions_text, tip=lambda _: "The device refused the request: code and count"),
    _count("Late", lambda v: v.late_responses, "Responses that came after their time-out"),
    _count("Reconn.", lambda v: v.reconnects, "How often the link came back"),
    _count("Missed", lambda v: v.missed_scans, "Scans that could not begin in time"),
    Column[LinkView]("Period", lambda v: f"{v.period_s:g} s", right=True),
    Column[LinkView]("p50 / p95 ms", response_text, right=True, tip=lambda _: "Response times"),
    Column[LinkView]("Last error", trouble_text, elided=True, spare=True),
)


def link_columns(*titles: str) -> list[Column[LinkView]]:
    """The columns of those titles, in that order. Raises KeyError for an unknown one."""
    by_title = {column.title: column for column in _COLUMNS}
    return [by_title[title] for title in titles]
