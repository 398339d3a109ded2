"""The table of drivers."""

import os
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType

from pumpwatch_gui.acquire.driver import Channel, DriverKind, LinkSpec
from pumpwatch_gui.domain.links.config import (
    ModbusRtuConfig,
    ModbusRtuTcpConfig,
    ModbusTcpConfig,
    ModbusTlsConfig,
    ReplayConfig,
    SerialLineConfig,
)
from pumpwatch_gui.files.register_maps import load_register_map


# Channels are imported when the first link opens: the command line and the dialogs need only the table.
def _modbus(specs: Sequence[LinkSpec]) -> Channel:
    from pumpwatch_gui.acquire.modbus.channel import ModbusChannel

    return ModbusChannel(specs)


def _replay(specs: Sequence[LinkSpec]) -> Channel:
    from pumpwatch_gui.acquire.replay import ReplayChannel

    return ReplayChannel(specs[0])


def _serial_line(specs: Sequence[LinkSpec]) -> Channel:
    from pumpwatch_gui.acquire.text.channel import SerialLineChannel

    return SerialLineChannel(specs[0])


def _mapped(spec: LinkSpec) -> frozenset[str]:
    registers = getattr(spec.config, "registers")  # noqa: B009 - of whichever driver reads registers
    return frozenset(p.tag for p in load_register_map(registers, tags=spec.profile.tags, base_dir=spec.base_dir).points)


def _tls_key(config: ModbusTlsConfig) -> Hashable:
    return "tls", config.host, config.port, config.ca, config.certificate, config.key, config.server_name


def _all(spec: LinkSpec) -> frozenset[str]:
    return frozenset(spec.profile.tags)


def _printed(spec: LinkSpec) -> frozenset[str]:
    """What a line brings by its columns, else perhaps all."""
    names = {name.strip().lower() for name in spec.config.columns}  # type: ignore[union-attr]
    return frozenset(t for t in spec.profile.tags if t.lower() in names) or _all(spec)


DRIVERS: Mapping[str, DriverKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            DriverKind(
                "modbus-tcp", "Modbus TCP", ModbusTcpConfig, lambda c: ("tcp", c.host, c.port), _modbus, _mapped
            ),
            # By whatever name: a device and the link that udev makes to it are one line.
            DriverKind(
                "modbus-rtu",
                "Modbus RTU (serial line)",
                ModbusRtuConfig,
                lambda c: ("serial", os.path.realpath(c.device)),
                _modbus,
                _mapped,
                last_retry_s=2.0,
                alike=lambda c: c.line,
            ),
            DriverKind(
                "modbus-rtu-over-tcp",
                "Modbus RTU over TCP (gateway)",
                ModbusRtuTcpConfig,
                lambda c: ("rtu over tcp", c.host, c.port),
                _modbus,
                _mapped,
            ),
            DriverKind("modbus-tls", "Modbus/TCP Security (TLS)", ModbusTlsConfig, _tls_key, _modbus, _mapped),
            DriverKind(
                "serial-line",
                "Serial text lines",
                SerialLineConfig,
                lambda _: None,
                _serial_line,
                _printed,
                pushed=True,
                last_retry_s=2.0,
            ),
            DriverKind("replay", "Replay of a recording", ReplayConfig, lambda _: None, _replay, _all, pushed=True),
        )
    }
)
"""Every driver by the name a site file gives it."""
