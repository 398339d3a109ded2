"""Lines that are not used, and why."""

from enum import Enum


class DropReason(Enum):
    """Why something that came from the device gave no values; the counters are kept by it."""

    NOT_ASCII = "not ASCII"
    SYNTAX = "syntax"
    FIELDS = "fields"
    NUMBER = "number"
    HEADER = "header"
    NO_HEADER = "no header"
    CHECKSUM = "checksum"
    NO_CHECKSUM = "no checksum"
    TOO_LONG = "line too long"
    HALF_LINE = "half line after opening"
    OVERTAKEN = "line overtaken by a newer one"


ADVICE = {
    DropReason.NOT_ASCII: "wrong speed or parity, or the noise of a device that starts",
    DropReason.CHECKSUM: "noise on the line, or a device that sums another way",
    DropReason.NO_CHECKSUM: "the device must end each line with *HH or *HHHH, or set the checksum to none",
    DropReason.NO_HEADER: "name the columns in the link's settings: the device sends its header only when it starts",
    DropReason.FIELDS: "the columns in the link's settings must be what the device sends",
    DropReason.NUMBER: "the device must send plain numbers with a decimal point",
}
"""The probable cause, where it is known."""


class LineRefused(Exception):  # noqa: N818 - a line is refused, which is no error of the program
    """A line that is not used. `why` says it in words."""

    def __init__(self, reason: DropReason, why: str) -> None:
        super().__init__(why)
        self.reason, self.why = reason, why
