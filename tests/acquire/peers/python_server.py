"""A unit made with pyModbusTCP or modbus-tk: `python_server.py pymodbustcp|modbus-tk tcp|rtu WHERE`.

Prints "ready", then "fc N" for every request; ends when standard input does.
"""

import socket
import sys
import time
from typing import Any

HOLDING = [(i * 2749 + 7) % 65536 for i in range(64)]
INPUT = [(i * 4099 + 11) % 65536 for i in range(64)]
COILS = [(i * i + i // 3) % 2 == 0 for i in range(64)]
DISCRETE = [not coil for coil in COILS]


def say(text: str) -> None:
    print(text, flush=True)


def pymodbustcp(port: int) -> None:
    from pyModbusTCP.server import DataBank, ModbusServer

    def logged(session: Any) -> None:
        say(f"fc {session.request.pdu.func_code}")
        server._internal_engine(session)

    server = ModbusServer("127.0.0.1", port, no_block=True, data_bank=DataBank(), ext_engine=logged)
    bank = server.data_bank
    for fill, values in ((bank.set_holding_registers, HOLDING), (bank.set_input_registers, INPUT),
                         (bank.set_coils, COILS), (bank.set_discrete_inputs, DISCRETE)):  # fmt: skip
        fill(0, values)
    server.start()


def modbus_tk(way: str, where: str) -> None:
    import modbus_tk.defines as cst
    from modbus_tk import hooks, modbus_rtu, modbus_tcp

    if way == "tcp":
        server: Any = modbus_tcp.TcpServer(int(where), "127.0.0.1")
    else:
        import serial

        server = modbus_rtu.RtuServer(serial.Serial(where, 19200))
    at = 7 if way == "tcp" else 1
    hooks.install_hook("modbus.Server.before_handle_request", lambda args: say(f"fc {args[1][at]}"))
    unit = server.add_slave(1)
    for name, kind, values in (("h", cst.HOLDING_REGISTERS, HOLDING), ("i", cst.ANALOG_INPUTS, INPUT),
                               ("c", cst.COILS, COILS), ("d", cst.DISCRETE_INPUTS, DISCRETE)):  # fmt: skip
        unit.add_block(name, kind, 0, 64)
        unit.set_values(name, 0, [int(v) for v in values])
    server.start()  # its own thread opens the port, some time later
    deadline = time.monotonic() + 10
    while way == "tcp" and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", int(where))).close()
        except OSError:
            time.sleep(0.01)
        else:
            return


if __name__ == "__main__":
    if sys.argv[1] == "pymodbustcp":
        pymodbustcp(int(sys.argv[3]))
    else:
        modbus_tk(sys.argv[2], sys.argv[3])
    say("ready")
    sys.stdin.read()
