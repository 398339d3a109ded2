// A unit made with modbus-serial or jsmodbus: `node_server.js modbus-serial|jsmodbus tcp|rtu WHERE`.
// Prints "ready", then "fc N" for every request; ends when standard input does.
const { createRequire } = require("module");
const load = createRequire(process.env.PEERS_FOLDER + "/x.js");
const [, , library, way, where] = process.argv;
const rows = [...Array(64).keys()];
const holding = rows.map((i) => (i * 2749 + 7) % 65536);
const input = rows.map((i) => (i * 4099 + 11) % 65536);
const coils = rows.map((i) => (i * i + Math.floor(i / 3)) % 2 === 0);
const say = (text) => process.stdout.write(text + "\n");
process.stdin.on("end", () => process.exit(0)).resume();

function registers(values) {
  const packed = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => packed.writeUInt16BE(value, 2 * i));
  return packed;
}

function bits(values) {
  const packed = Buffer.alloc(Math.ceil(values.length / 8));
  values.forEach((value, i) => (packed[i >> 3] |= value << (i & 7)));
  return packed;
}

if (library === "modbus-serial") {
  const modbus = load("modbus-serial");
  const told = (code, values) => (address) => (say("fc " + code), values[address]);
  const units = {
    getHoldingRegister: told(3, holding),
    getInputRegister: told(4, input),
    getCoil: told(1, coils),
    getDiscreteInput: told(2, coils.map((c) => !c)),
    setRegister: () => say("fc 6"),
    setCoil: () => say("fc 5"),
  };
  if (way === "tcp") {
    new modbus.ServerTCP(units, { host: "127.0.0.1", port: Number(where), unitID: 1 }).on("initialized", () => say("ready"));
  } else {
    const server = new modbus.ServerSerial(units, { port: where, baudRate: 19200, unitID: 1 });
    server.on("initialized", () => say("ready"));
  }
} else {
  const modbus = load("jsmodbus");
  const net = require("net").createServer();
  const server = new modbus.server.TCP(net, {
    holding: registers(holding),
    input: registers(input),
    coils: bits(coils),
    discrete: bits(coils.map((c) => !c)),
  });
  const codes = { preReadHoldingRegisters: 3, preReadInputRegisters: 4, preReadCoils: 1, preReadDiscreteInputs: 2,
    preWriteSingleCoil: 5, preWriteSingleRegister: 6, preWriteMultipleCoils: 15, preWriteMultipleRegisters: 16 };
  for (const [event, code] of Object.entries(codes)) server.on(event, () => say("fc " + code));
  net.listen(Number(where), "127.0.0.1", () => say("ready"));
}
