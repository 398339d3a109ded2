"""The gateway for other programs: its settings, and what a key of it allows."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address

from pumpwatch_gui.domain.links.config import bare_host

DEFAULT_PORT = 8765


class Scope(Enum):
    """What a key allows: to post values, or to look."""

    INGEST = "ingest"
    READ = "read"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Where the gateway listens. `is_open`: no key is needed, on loopback alone.

    `certificate` and `key` are paths of PEM files ("": no TLS), relative to the site file. Pages of the `origins`
    (`http://127.0.0.1:9000`) may read responses in a browser; those of other addresses may not.
    """

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    is_open: bool = False
    certificate: str = ""
    key: str = ""
    origins: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this computer reach it."""
        return is_loopback(self.host)

    @property
    def url(self) -> str:
        """Where it is, for people."""
        host = bare_host(self.host)
        return f"http{'s' * bool(self.certificate)}://{f'[{host}]' if ':' in host else host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host is this computer for itself. False for a name other than localhost, which is not resolved."""
    try:
        return ip_address(bare_host(host)).is_loopback
    except ValueError:
        return bare_host(host).lower() == "localhost"
