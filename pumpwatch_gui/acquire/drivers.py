"""The table of drivers: the only place that names them all."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from types import MappingProxyType

from pumpwatch_gui.acquire.driver import Channel, DriverKind, LinkSpec
from pumpwatch_gui.acquire.modbus.wire.traffic_text import mbap_text, rtu_text
from pumpwatch_gui.acquire.replay import ReplayChannel, ReplayConfig
from pumpwatch_gui.acquire.rest_ingest import RestIngestChannel
from pumpwatch_gui.acquire.text.channel import SerialLineChannel, columns_bound
from pumpwatch_gui.acquire.text.config import SerialLineConfig
from pumpwatch_gui.domain.links.config import (
    ModbusConfig,
    ModbusRtuConfig,
    ModbusRtuTcpConfig,
    ModbusTcpConfig,
    ModbusTlsConfig,
    RestIngestConfig,
    TcpPlace,
    bare_host,
)
from pumpwatch_gui.files.register_maps import load_register_map


def _modbus(specs: Sequence[LinkSpec]) -> Channel:
    # Imported when the first link opens: pymodbus takes longer than the rest of the command line together.
    from pumpwatch_gui.acquire.modbus.channel import ModbusChannel

    return ModbusChannel(specs)


def _import_pymodbus() -> None:
    import pumpwatch_gui.acquire.modbus.channel  # noqa: F401


def _mapped(spec: LinkSpec) -> frozenset[str]:
    assert isinstance(spec.config, ModbusConfig)
    found = load_register_map(spec.config.registers, tags=spec.profile.tags, base_dir=spec.base_dir)
    return frozenset(p.tag for p in found.points)


def _place(config: TcpPlace) -> tuple[str, int]:
    """Host and port, equal for names that are the same whatever the name server says.

    Other names are not resolved for it: if one of them later led to another device, the values of two devices would be
    mixed up.
    """
    host = bare_host(config.host).lower().removesuffix(".")
    try:
        host = str(ip_address(host))
    except ValueError:
        host = "127.0.0.1" if host == "localhost" else host
    return host, config.port


_modbus_kind = partial(DriverKind, open=_modbus, tags=_mapped, tags_setting="registers", prepare=_import_pymodbus)

DRIVERS: Mapping[str, DriverKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            _modbus_kind(
                label="Modbus TCP",
                config=ModbusTcpConfig,
                connection=lambda c: ("tcp", _place(c)),
                describe=mbap_text,
            ),
            _modbus_kind(
                label="Modbus RTU (serial line)",
                config=ModbusRtuConfig,
                # /dev/serial/by-id/… is a symbolic link of udev to /dev/ttyUSB0: two names, one line.
                connection=lambda c: ("serial", os.path.realpath(c.device)),
                shared_settings=lambda c: c.speed.text,
                max_retry_s=2.0,
                describe=rtu_text,
            ),
            _modbus_kind(
                label="Modbus RTU over TCP (gateway)",
                config=ModbusRtuTcpConfig,
                connection=lambda c: ("rtu over tcp", _place(c)),
                describe=rtu_text,
            ),
            _modbus_kind(
                label="Modbus/TCP Security (TLS)",
                config=ModbusTlsConfig,
                connection=lambda c: ("tls", _place(c), c.ca, c.certificate, c.key, c.server_name),
                describe=mbap_text,
            ),
            DriverKind(
                label="Serial text lines",
                config=SerialLineConfig,
                open=lambda specs: SerialLineChannel(specs[0]),
                tags=columns_bound,
                tags_setting="columns",
                pushed=True,
                max_retry_s=2.0,
            ),
            DriverKind(
                label="Replay of a recording",
                config=ReplayConfig,
                open=lambda specs: ReplayChannel(specs[0]),
                pushed=True,
            ),
            DriverKind(
                label="Posts to the gateway (REST)",
                config=RestIngestConfig,
                open=lambda specs: RestIngestChannel(specs[0]),
                pushed=True,
                max_retry_s=0.5,
            ),
        )
    }
)
"""Every driver by the name a site file gives it."""
