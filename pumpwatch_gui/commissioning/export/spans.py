"""Times that people type: local, or with an offset; never guessed where the clocks are changed."""

from datetime import UTC, datetime, timedelta

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.wording import stamp

_FORM = "write it as 2026-10-25, 2026-10-25 14:30 or 2026-10-25T14:30:00+02:00"


def span_ns(start: str, end: str, *, now_ns: int) -> tuple[int, int]:
    """A span that was typed (Unix UTC): "" for the beginning of time, or for now.

    Raises InputError for what is no time, an end that is not after the start, and a span in the future.
    """
    start_ns = instant_ns(start, what="start") if start.strip() else 0
    end_ns = instant_ns(end, what="end", is_end=True) if end.strip() else now_ns
    if start_ns >= now_ns:
        raise InputError(f"the span begins in the future, at {stamp(start_ns)}", "choose a start before now")
    if end_ns == start_ns:
        raise InputError(f"the span is empty: it begins and ends at {stamp(start_ns)}", "choose a later end")
    if end_ns < start_ns:
        raise InputError(f"the span ends at {stamp(end_ns)}, before it begins at {stamp(start_ns)}", "swap the two")
    return start_ns, end_ns


def instant_ns(text: str, *, what: str = "time", is_end: bool = False) -> int:
    """An instant that was typed (Unix UTC). A day alone is its beginning, and its end where `is_end`.

    Without an offset it is local time. Raises InputError for what is no time, and for a local time that does not exist
    or comes twice, because the clocks are changed.
    """
    words = text.strip()
    try:
        moment = datetime.fromisoformat(words.replace("  ", " ").replace(" +", "+"))
        if len(words) == len("2026-10-25") and is_end:
            moment += timedelta(days=1)
    except (ValueError, OverflowError):
        raise InputError(f"the {what} {words!r} is not a time", _FORM) from None
    try:
        utc = _utc_of(moment, words, what)
        return round((utc - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000
    except (OverflowError, OSError, ValueError):
        raise InputError(f"the {what} {words!r} is too far from now", _FORM) from None


def _utc_of(moment: datetime, words: str, what: str) -> datetime:
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    first, second = (moment.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    offsets = [f"{moment.replace(fold=fold).astimezone():%z}" for fold in (0, 1)]
    both = [f"{offset[:3]}:{offset[3:5]}" for offset in offsets]
    if first.astimezone().replace(tzinfo=None) != moment:
        raise InputError(
            f"the {what} {words!r} does not exist here: the clocks are set forward over it",
            f"choose a time before or after it, or write its offset ({both[0]} or {both[1]})",
        )
    raise InputError(
        f"the {what} {words!r} comes twice here: the clocks are set back over it",
        f"write which one: {words}{both[0]} or {words}{both[1]}",
    )
