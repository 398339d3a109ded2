"""What a collector and a window that has joined it say to each other: values of the domain, and nothing else.

A message is a pickled dataclass. Reading it makes only values of this program, of NumPy and of a few plain types:
a pickle that names anything else is refused. Profiles, by far the largest values, travel once.
"""

import datetime
import enum
import importlib
import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from operator import attrgetter
from pathlib import PosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Any

from typing_extensions import override

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.commands import Order
from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent
from pumpwatch_gui.domain.ports import Capability
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import PumpView, StationView
from pumpwatch_gui.domain.values.trace import Trace

VERSION = 8
"""Raised with every change of a message: a window of another version does not join."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first word of both sides."""

    version: int
    program: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """The whole station at the start: `traces` by pump id."""

    site: Site
    view: StationView
    traces: Mapping[str, Trace]
    capabilities: frozenset[Capability]


@dataclass(frozen=True, slots=True)
class Update:
    """What is new. `pumps` are those that changed, by their place; `head` is the view without those and lists.

    The head comes at least four times a second. `traces` are the frames since the last update, those of `renewed` from
    the beginning. `site`, `alarms` and `maintenance` are None while they are the same. `packets` by the number of the
    tap.
    """

    head: StationView | None
    pumps: Mapping[int, PumpView]
    traces: Mapping[str, Trace]
    renewed: frozenset[str]
    alarms: tuple[Alarm, ...] | None = None
    site: Site | None = None
    events: tuple[Event, ...] = ()
    packets: Mapping[int, tuple["CarriedPacket", ...]] = field(default_factory=dict)
    maintenance: tuple[MaintenanceEvent, ...] | None = None


@dataclass(frozen=True, slots=True)
class Submit:
    """An order."""

    order: Order


@dataclass(frozen=True, slots=True)
class Ask:
    """A call of the link browser; `name` is one of `ASKED`."""

    number: int
    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an `Ask`: its result, or the exception it raised."""

    number: int
    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class CarriedPacket:
    """A piece of traffic, its text made where the line is. Keeps the Packet port."""

    time_ns: int
    mono_ns: int
    link_id: str
    sent: bool
    content: bytes
    hex: str
    text: str


class Writer:
    """Turns messages into bytes, for one connection."""

    def __init__(self) -> None:
        self.sent: dict[int, tuple[int, PumpProfile]] = {}

    def encode(self, message: object) -> bytes:
        """A message as bytes that the `Reader` of the other side understands, each in its turn."""
        buffer = io.BytesIO()
        _Pickler(buffer, self).dump(message)
        return buffer.getvalue()


class _EnumPickler(pickle.Pickler):
    """Names a member of an Enum by its value: what it is reduced to by itself differs between versions of Python."""

    @override
    def reducer_override(self, obj: Any) -> Any:
        return (type(obj), (obj.value,)) if isinstance(obj, enum.Enum) else NotImplemented


class _Pickler(_EnumPickler):
    def __init__(self, buffer: io.BytesIO, writer: Writer) -> None:
        super().__init__(buffer, protocol=5)
        self._sent = writer.sent

    @override
    def reducer_override(self, obj: Any) -> Any:
        # Not `persistent_id`: that one is called for every number, too. And what dataclasses come with looks their
        # fields up once a value: together they took most of the time of a message.
        kind = type(obj)
        if kind is PumpProfile:
            return profile, self._profile(obj)
        if kind is MappingProxyType:
            return read_only_mapping, (dict(obj),)
        if is_dataclass(kind):
            return made, (kind, *_values_of(kind)(obj))
        return super().reducer_override(obj)

    def _profile(self, obj: PumpProfile) -> tuple[int, bytes]:
        known = self._sent.get(id(obj))
        if known is not None:
            return known[0], b""
        number = len(self._sent)
        self._sent[id(obj)] = number, obj  # kept: another object must not get its id
        buffer = io.BytesIO()
        _EnumPickler(buffer, protocol=5).dump(obj)
        return number, buffer.getvalue()


def made(kind: Any, *values: Any) -> Any:
    """What a value of the domain travels as: it was checked where it was made."""
    value = object.__new__(kind)
    for name, content in zip(_names_of(kind), values, strict=True):
        object.__setattr__(value, name, content)
    return value


def profile(number: int, content: bytes) -> PumpProfile:
    """What a profile travels as; the `Reader` has it by its number once its content has come."""
    raise NotImplementedError  # in every reader by its own profiles


@lru_cache(maxsize=256)
def _names_of(kind: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


@lru_cache(maxsize=256)
def _values_of(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    names = _names_of(kind)
    if len(names) > 1:
        return attrgetter(*names)
    return lambda obj: tuple(getattr(obj, name) for name in names)


def read_only_mapping(content: dict[Any, Any]) -> Mapping[Any, Any]:
    """What a mapping proxy, which cannot be pickled, travels as."""
    return MappingProxyType(content)


class Reader:
    """Turns bytes into messages, for one connection. Raises UnpicklingError for anything but a message."""

    def __init__(self) -> None:
        self.profiles: dict[int, PumpProfile] = {}

    def decode(self, content: bytes) -> Any:
        """The message that these bytes are."""
        try:
            return _Unpickler(io.BytesIO(content), self.profiles).load()
        except pickle.UnpicklingError:
            raise
        except Exception as error:  # what a broken pickle raises is not defined
            raise pickle.UnpicklingError(f"{type(error).__name__}: {error}") from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, buffer: io.BytesIO, profiles: dict[int, PumpProfile]) -> None:
        super().__init__(buffer)
        self._profiles = profiles

    @override
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) == (__name__, profile.__name__):
            return self._profile
        return _found(module_name, global_name)

    def _profile(self, number: int, content: bytes) -> PumpProfile:
        if content:
            self._profiles[number] = _Unpickler(io.BytesIO(content), self._profiles).load()
        return self._profiles[number]


@lru_cache(maxsize=512)
def _found(module_name: str, global_name: str) -> Any:
    if (module_name, global_name) in ((__name__, read_only_mapping.__name__), (__name__, made.__name__)):
        return globals()[global_name]
    if module_name.startswith("pumpwatch_gui."):
        found = getattr(importlib.import_module(module_name), global_name, None)
        if isinstance(found, type) and (is_dataclass(found) or issubclass(found, enum.Enum | PumpWatchError)):
            return found
    elif (module_name, global_name) in _NUMPY:
        return getattr(importlib.import_module(module_name), global_name)
    elif global_name in _PLAIN:
        return _PLAIN[global_name]
    raise pickle.UnpicklingError(f"{module_name}.{global_name} is no part of a message")


_PLAIN = {
    kind.__name__: kind
    for kind in (frozenset, set, complex, bytearray, KeyError, ValueError, TimeoutError, RuntimeError, OSError,
                 PosixPath, PureWindowsPath, datetime.time)
}  # fmt: skip
_NUMPY = {
    (module, name)
    for module in (
        "numpy",
        *(f"numpy.{core}.{part}" for core in ("core", "_core") for part in ("multiarray", "numeric")),
    )
    for name in ("ndarray", "dtype", "_reconstruct", "_frombuffer", "scalar")
}
