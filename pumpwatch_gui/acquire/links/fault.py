"""The fault of a link: what failed, with a message and advice for the user."""

from enum import Enum

from pumpwatch_gui.acquire.modbus.wire.exception_codes import UNIT_SILENT
from pumpwatch_gui.domain.errors import LinkError
from pumpwatch_gui.domain.values.quality import Reason


class FaultKind(Enum):
    """What failed; the counters of a link are kept by it."""

    CONNECT = "connect"
    CERTIFICATE = "certificate"
    CONFIG = "config"
    LOST = "lost"
    TIMEOUT = "timeout"
    REFUSED = "refused"  # a response of another unit, function or transaction
    LENGTH = "length"  # a short or long response
    CRC = "crc"
    EXCEPTION = "exception"  # the device refused the request; `LinkFault.code` is set
    ENDED = "ended"  # a recording that is not repeated

    @property
    def is_bad_response(self) -> bool:
        """Whether bytes came that could not be used."""
        return self in (FaultKind.REFUSED, FaultKind.LENGTH, FaultKind.CRC)


class LinkFault(LinkError):  # noqa: N818 - "fault" is the word of the field
    """A scan or a connection that failed. `reason` becomes the quality of the values; `code` is the exception code.

    `is_short`: a response came that is right but for having fewer values than were requested.
    """

    def __init__(
        self,
        kind: FaultKind,
        reason: Reason,
        message: str,
        advice: str = "",
        *,
        code: int = 0,
        is_short: bool = False,
    ) -> None:
        super().__init__(message, advice)
        self.kind = kind
        self.reason = reason
        self.code = code
        self.is_short = is_short

    @property
    def is_no_response(self) -> bool:
        """Whether the unit itself sent nothing."""
        return self.kind is FaultKind.TIMEOUT or self.code in UNIT_SILENT
