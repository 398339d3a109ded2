"""A Modbus TCP server of another library whose every value is known: `python truth_server.py PORT UNITS_LOG`.

Tick k sets all registers at once: register i of a holding block holds `1000 + 37 * i + (k * (i + 1)) % 500`.
Each tick is logged as `wall k`, so that a reader's values can be judged one by one.
"""

import sys
import time

from pyModbusTCP.server import ModbusServer

REGISTERS = 10


def register(i: int, k: int) -> int:
    return 1000 + 37 * i + (k * (i + 1)) % 500


def main() -> None:
    server = ModbusServer("127.0.0.1", int(sys.argv[1]), no_block=True)
    server.start()
    with open(sys.argv[2], "w") as log:  # noqa: PTH123
        k = 0
        while True:
            server.data_bank.set_holding_registers(0, [register(i, k) for i in range(REGISTERS)])
            log.write(f"{time.time():.6f} {k}\n")
            log.flush()
            if k == 0:
                print("ready", flush=True)
            k += 1
            time.sleep(0.05)


if __name__ == "__main__":
    main()
