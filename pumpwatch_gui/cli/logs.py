"""Rotating logs (text and JSON) and the crash log."""

import faulthandler
import json
import logging
import os
import re
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.events import AlarmChanged, ConnectionChanged, LinkChanged
from pumpwatch_gui.files.home import Home

log = logging.getLogger("pumpwatch")
crash_log = logging.getLogger("pumpwatch.crash")

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class JsonFormatter(logging.Formatter):
    """A record a line, with the original system's fields: timestamp, level, component, event and what it carries."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "component": record.name.removeprefix("pumpwatch."),
            "event": record.getMessage(),
        }
        match getattr(record, "event", None):
            case AlarmChanged(alarm=alarm):
                kind = "anomaly_detected" if alarm.alarm_id.endswith("/anomaly") else "alarm"
                fields |= {"event": kind if alarm.state is AlarmState.UNACKNOWLEDGED else "alarm_changed"}
                fields |= {"pump": alarm.pump_id, "sensor": alarm.tag, "state": alarm.state.value, "text": alarm.text}
                fields |= {k: v for k, v in (("value", alarm.value), ("threshold", alarm.limit)) if v == v}
            case LinkChanged() as change:
                fields |= {"event": "link_changed", "link": change.link_id, "state": change.state.value}
                fields |= {"text": change.text}
            case ConnectionChanged() as change:
                fields |= {"event": "connection_changed", "connection": change.connection, "lost": change.is_lost}
                fields |= {"pumps": list(change.pump_ids), "text": change.text}
            case _:
                pass  # the message says it
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A line for people, in UTC."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s  %(message)s")

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        # A line end in a name or in a device's answer would begin a line that this program never wrote.
        record.message = _CONTROL.sub(lambda found: repr(found[0])[1:-1], record.message)
        return super().formatMessage(record)

    @override
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat(" ", timespec="milliseconds")


class LogFile(RotatingFileHandler):
    """A log file that stops nothing: when it cannot be written, that is said once on the terminal."""

    _is_failing = False

    @override
    def _open(self) -> TextIOWrapper:
        file = super()._open()
        with suppress(OSError):  # of another user, after one run with sudo
            Path(self.baseFilename).chmod(0o600)
        return file

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)  # the record itself is wrong: a bug, with its traceback
        elif not self._is_failing:
            self._is_failing = True
            print(f"the log {self.baseFilename} cannot be written: {error.strerror}; going on without", file=sys.stderr)


def start_logging(home: Home, name: str, *, verbose: bool, as_json: bool) -> None:
    """Log to `NAME.log` and `NAME.jsonl` in the home (5 MB, 5 old ones), and to the terminal if asked."""
    root = logging.getLogger("pumpwatch")
    root.setLevel(logging.INFO)
    root.propagate = False
    for ending, formatter in (("log", TextFormatter()), ("jsonl", JsonFormatter())):
        handler = LogFile(
            home.logs / f"{name}.{ending}", maxBytes=5_000_000, backupCount=5, encoding="utf-8", delay=True
        )
        handler.setFormatter(formatter)
        root.addHandler(handler)
    if verbose or as_json:
        terminal = logging.StreamHandler(sys.stderr)
        terminal.setFormatter(JsonFormatter() if as_json else TextFormatter())
        root.addHandler(terminal)


def catch_crashes(home: Home) -> None:
    """Uncaught exceptions of every thread go to the log, hard crashes to `crash.log` or else to the terminal."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        crash_log.critical("uncaught %s: %s", kind.__name__, error, exc_info=(kind, error, trace))
        sys.__excepthook__(kind, error, trace)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            hook(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = hook
    threading.excepthook = thread_hook
    try:
        handle = os.open(home.logs / "crash.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        faulthandler.enable(os.fdopen(handle, "a", encoding="utf-8"))  # it keeps the file open
    except OSError as error:
        log.warning("%s cannot be written: %s", home.logs / "crash.log", error.strerror)
        with suppress(RuntimeError, OSError, ValueError):  # there is no standard error
            faulthandler.enable()
