"""Which modules are mutated, and the tests that must notice."""

from collections.abc import Iterable, Iterator

MODBUS = "pumpwatch_gui/acquire/modbus/"
ALARMS = "pumpwatch_gui/domain/alarms/"
SOURCES = "pumpwatch_gui/judge/sources/"
HOT = "pumpwatch_gui/store/hot/"

_LINK = ("acquire/modbus/test_strict_rules", "acquire/modbus/test_strict_link", "acquire/modbus/test_rtu")
_LIMITS = ("judge/test_judge_limits", "judge/test_judge_desk")
_SCORES = ("domain/test_domain_alarm_rule", "judge/test_judge_anomaly")
_WRITER = (
    "store/test_store_round_trip",
    "store/test_store_trouble",
    "store/test_store_opening",
    "store/test_store_refused",
)
_COUNTING = "store/test_store_counting"
_BATCH = ("store/test_store_round_trip", "store/test_store_refused", "store/test_store_feedback")

ROOMS: dict[str, dict[str, tuple[str, ...]]] = {
    "strict link": {
        MODBUS + "wire/strict_link.py": _LINK,
        MODBUS + "wire/response.py": _LINK,
        MODBUS + "wire/rtu.py": _LINK[::-1],
        MODBUS + "wire/framers.py": (*_LINK, "acquire/modbus/test_serial_lines"),
        MODBUS + "learnt/plan.py": ("acquire/modbus/test_plan",),
        MODBUS + "learnt/facts.py": ("acquire/modbus/test_learning", "acquire/modbus/test_any_device"),
        MODBUS + "learnt/learning.py": ("acquire/modbus/test_learning", "acquire/modbus/test_any_device"),
        MODBUS + "learnt/proof.py": ("acquire/modbus/test_learning", "acquire/modbus/test_any_device"),
        MODBUS + "frozen.py": ("acquire/modbus/test_frozen",),
        "pumpwatch_gui/acquire/links/assembly.py": ("acquire/links/test_assembly",),
    },
    "quality and decoding": {
        "pumpwatch_gui/domain/links/decode.py": ("acquire/modbus/test_decode",),
        "pumpwatch_gui/domain/values/quality.py": ("acquire/modbus/test_decode", "domain/test_domain_values"),
        "pumpwatch_gui/domain/values/frame.py": (
            "acquire/links/test_assembly",
            "judge/test_judge_limits",
            "domain/test_domain_values",
        ),
    },
    "limits and delays": {
        SOURCES + "limits.py": ("judge/test_judge_limits",),
        SOURCES + "conditions.py": ("judge/test_judge_limits", "judge/test_judge_rules"),
        SOURCES + "rules.py": ("judge/test_judge_rules",),
        ALARMS + "rules.py": ("domain/test_rules",),
        ALARMS + "rule_sheet.py": ("domain/test_rules", "judge/test_judge_rules"),
        ALARMS + "rate_window.py": ("domain/test_rules",),
        SOURCES + "anomaly.py": ("judge/test_judge_anomaly",),
        SOURCES + "link.py": ("judge/test_judge_links",),
        ALARMS + "alarm.py": ("judge/test_judge_desk", "domain/test_domain_values"),
        ALARMS + "delays.py": (*_LIMITS, *_SCORES),
        ALARMS + "episodes.py": _SCORES,
    },
    "desk": {"pumpwatch_gui/judge/alarms/desk.py": ("judge/test_judge_desk",)},
    "audit chain": {"pumpwatch_gui/store/audit.py": ("store/test_store_round_trip", "store/test_store_feedback")},
    "thinning": {
        "pumpwatch_gui/store/query/thinning.py": ("store/test_store_history", "contracts/test_historian_contract")
    },
    "supervisor": {"pumpwatch_gui/engine/supervisor.py": ("engine/test_engine_supervisor",)},
    "writer": {
        HOT + "batch.py": (_COUNTING, *_BATCH),
        HOT + "intake.py": (_COUNTING, "store/test_store_pumps", "store/test_store_refused"),
        HOT + "counters.py": (_COUNTING, *_BATCH),
        HOT + "row_quarantine.py": (
            _COUNTING,
            "store/test_store_refused",
        ),
        HOT + "health_check.py": ("store/test_store_opening",),
        HOT + "writer.py": _WRITER,
    },
}
"""Room → module → its tests below `tests/` (files without `.py`, or folders), those that notice the most first."""


def paths(tests: Iterable[str]) -> Iterator[str]:
    """The arguments of pytest for tests named as in ROOMS."""
    for name in tests:
        yield f"tests/{name}" + (".py" if "test_" in name else "")
    yield "tests/test_dataclasses.py"
