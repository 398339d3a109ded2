"""The faults of answers in words: what it was, where, and the probable cause."""

from pumpwatch_gui.acquire.links.meter import LinkFault
from pumpwatch_gui.acquire.modbus.plan import Block
from pumpwatch_gui.domain.values.quality import Reason

EXCEPTIONS = {
    1: ("illegal function", "the device does not know this table; try input instead of holding, or the reverse"),
    2: ("illegal address", "off by one? try the other base (0 or 1), or check the map against the manual"),
    3: ("illegal count", "the device refuses blocks of this size"),
    4: ("device failure", "look at the device itself"),
    5: ("accepted, still working", "the device needs more time"),
    6: ("device busy", "it serves another client; lengthen the period"),
    8: ("memory parity error", "the device's own memory is at fault"),
    10: ("gateway path unavailable", "check the gateway's routing for this unit"),
    11: ("no answer from the unit behind the gateway", "check the unit id, its power and its cable"),
}
"""Exception code → what it means, and the probable cause."""


def refused(kind: str, why: str) -> LinkFault:
    """The fault of an answer that failed the checks."""
    advice = "another device or a faulty gateway answers; the value was not used"
    if kind == "crc":
        advice = "noise on the line: check termination, shield and earth, and that no two units have one id"
    return LinkFault(kind, Reason.COMMUNICATION_ERROR, f"answer refused: {why}", advice)


def exception_fault(code: int, block: Block) -> LinkFault:
    """The fault of an exception answer: code, place (manual's and wire address) and probable cause."""
    name, advice = EXCEPTIONS.get(code, ("unknown exception", "look it up in the device's manual"))
    place = f"{block.documented} (wire address {block.address}, {block.count} long)"
    return LinkFault("exception", Reason.DEVICE_FAILURE, f"exception {code} at {place}: {name}", advice, code=code)


def unknown_fault(code: int) -> LinkFault:
    """The fault of a device that will not say who it is."""
    name, advice = EXCEPTIONS.get(code, ("unknown exception", "look it up in the device's manual"))
    if code == 1:
        advice = "many devices do not tell; its registers may be read all the same"
    text = f"exception {code} to the question who it is: {name}"
    return LinkFault("exception", Reason.DEVICE_FAILURE, text, advice, code=code)
