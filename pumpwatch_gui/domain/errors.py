"""The world's faults. Anything that is not a `PumpWatchError` is a bug and goes to the crash log."""

from dataclasses import dataclass

from typing_extensions import override


class PumpWatchError(Exception):
    """A fault of the world (file, wire, disk, input), told to the user in one line and with one line of advice.

    `message` says what is wrong and where; `advice` says what to do.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class InputError(PumpWatchError):
    """A file or an argument that cannot be used as it is (the commands end with exit code 2)."""


class LinkError(PumpWatchError):
    """A request to a device that gave no trustworthy answer."""


class StoreError(PumpWatchError):
    """The database cannot be opened, read or written."""


class BundleError(PumpWatchError):
    """A model bundle that is altered, incomplete or made for another profile."""


class PrerequisiteError(PumpWatchError):
    """Something the operating system must supply is missing (exit code 4)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake among possibly many: `path` locates it in the file (`pump[0].link[1].port`)."""

    path: str
    message: str
    advice: str = ""

    @override
    def __str__(self) -> str:
        """One line: path, message and advice."""
        return f"{self.path}: {self.message}" + (f" ({self.advice})" if self.advice else "")
