"""Faults of responses in words: what it was, where, and the probable cause."""

from collections.abc import Mapping

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.acquire.modbus.learnt.plan import Block
from pumpwatch_gui.acquire.modbus.wire.exception_codes import ExceptionCode
from pumpwatch_gui.acquire.modbus.wire.response import Refusal
from pumpwatch_gui.domain.values.quality import Reason

EXCEPTIONS: Mapping[int, tuple[str, str]] = {
    ExceptionCode.ILLEGAL_FUNCTION: (
        "illegal function",
        "the device does not know this table; try input instead of holding, or the reverse",
    ),
    ExceptionCode.ILLEGAL_ADDRESS: (
        "illegal address",
        "off by one? try the other base (0 or 1), or check the map against the manual",
    ),
    ExceptionCode.ILLEGAL_VALUE: ("illegal count", "the device refuses blocks of this size"),
    ExceptionCode.DEVICE_FAILURE: ("device failure", "check the device itself"),
    ExceptionCode.ACKNOWLEDGE: ("accepted, still working", "the device needs more time"),
    ExceptionCode.BUSY: ("device busy", "it serves another client; lengthen the period"),
    ExceptionCode.MEMORY_PARITY: ("memory parity error", "the device's own memory is at fault"),
    ExceptionCode.NO_GATEWAY_PATH: ("gateway path unavailable", "check the gateway's routing for this unit"),
    ExceptionCode.NO_GATEWAY_RESPONSE: (
        "no response from the unit behind the gateway",
        "check the unit id, its power and its cable",
    ),
}
"""Exception code → its meaning, and the probable cause."""


_DEVIATIONS = {
    "length": "a length in the header that is too high",
    "unit": "a response as unit 0 or 255",
    "transaction": "a response with transaction id 0",
}


def refused(refusal: Refusal) -> LinkFault:
    """The fault of a response that failed the checks."""
    advice = "another device or a faulty gateway responds; the value was not used"
    if refusal.kind is FaultKind.CRC:
        advice = "noise on the line: check termination, shield and earth, and that no two units have one id"
    if refusal.tolerance:
        what = _DEVIATIONS[refusal.tolerance]
        advice = f'if this is a habit of the device, let it: tolerate = ["{refusal.tolerance}"] accepts {what}'
    text = f"response refused: {refusal.why}"
    return LinkFault(refusal.kind, Reason.COMMUNICATION_ERROR, text, advice, is_short=refusal.is_short)


def timed_out(what: str, timeout_s: float, late_by_s: float, *, is_serial: bool) -> LinkFault:
    """The fault of a response that did not come in time. `late_by_s`: by how much the last late one was, 0 for none."""
    text = f"no response to {what} within {timeout_s:g} s"
    advice = "check the unit id and that the device is not overloaded"
    if is_serial:
        advice = "check unit id, baud, parity, the two wires (A and B swapped?) and that the device is on"
    if late_by_s:
        text += f"; responses come {late_by_s:.1f} s late: timeout_s is too short"
        advice = f"raise the time-out (timeout_s) to {1.5 * (timeout_s + late_by_s):.1f} s or more"
    return LinkFault(FaultKind.TIMEOUT, Reason.TIMEOUT, text, advice)


def exception_fault(code: int, block: Block) -> LinkFault:
    """The fault of an exception response: code, place (manual's and wire address) and probable cause."""
    return _exception(code, block.place)


def no_identity_fault(code: int) -> LinkFault:
    """The fault of a device that does not identify itself."""
    fault = _exception(code, "read device identification")
    if code == ExceptionCode.ILLEGAL_FUNCTION:
        fault.advice = "many devices do not have it; the registers may be readable all the same"
    return fault


def _exception(code: int, place: str) -> LinkFault:
    name, advice = EXCEPTIONS.get(code, ("unknown exception", "look it up in the device's manual"))
    text = f"exception {code} at {place}: {name}"
    return LinkFault(FaultKind.EXCEPTION, Reason.DEVICE_FAILURE, text, advice, code=code)


def unanswered(atom: Block, *, silent: bool) -> LinkFault:
    """The fault of a value of which only that is known from an earlier run."""
    if silent:
        text = f"no response to {atom.place}"
        return LinkFault(FaultKind.TIMEOUT, Reason.TIMEOUT, text, "check the map against the manual")
    text = f"{atom.place} is refused"
    return LinkFault(FaultKind.EXCEPTION, Reason.DEVICE_FAILURE, text, "check the map against the manual")
