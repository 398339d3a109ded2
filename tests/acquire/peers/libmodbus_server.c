/* A unit made with libmodbus: `tcp PORT` or `rtu DEVICE`. Prints "ready", then "fc N" for every request. */
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    int is_tcp = argc > 2 && strcmp(argv[1], "tcp") == 0;
    modbus_t *unit = is_tcp ? modbus_new_tcp("127.0.0.1", atoi(argv[2])) : modbus_new_rtu(argv[2], 19200, 'N', 8, 1);
    modbus_mapping_t *map = modbus_mapping_new(64, 64, 64, 64);
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int listener = -1, offset = modbus_get_header_length(unit);

    for (int i = 0; i < 64; i++) {
        map->tab_registers[i] = (uint16_t)(i * 2749 + 7);
        map->tab_input_registers[i] = (uint16_t)(i * 4099 + 11);
        map->tab_bits[i] = (i * i + i / 3) % 2 == 0;
        map->tab_input_bits[i] = (i * i + i / 3) % 2 != 0;
    }
    modbus_set_slave(unit, 1);
    if (is_tcp)
        listener = modbus_tcp_listen(unit, 4);
    else if (modbus_connect(unit) < 0)
        return 1;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        if (is_tcp && modbus_tcp_accept(unit, &listener) < 0)
            return 1;
        for (;;) {
            int length = modbus_receive(unit, query);
            if (length < 0 && is_tcp)
                break;
            if (length <= 0)
                continue;
            printf("fc %d\n", query[offset]);
            fflush(stdout);
            modbus_reply(unit, query, length, map);
        }
        modbus_close(unit);
    }
}
