"""A plant's authority and certificates, made by openssl; and a relay that puts a plain server behind TLS."""

import asyncio
import ssl
import subprocess
import threading
from pathlib import Path

ROLE = "1.3.6.1.4.1.50316.802.1=ASN1:UTF8String:"


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_authority(folder: Path, name: str = "ca") -> None:
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
             f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", str(folder / f"{name}.key"),
             "-out", str(folder / f"{name}.pem"))  # fmt: skip


def make_certificate(folder: Path, name: str, *, role: str = "", host: str = "IP:127.0.0.1", by: str = "ca") -> None:
    extensions = folder / f"{name}.ext"
    lines = ["keyUsage=critical,digitalSignature", "authorityKeyIdentifier=keyid"]
    lines += [f"subjectAltName={host}"] * bool(host) + [ROLE + role] * bool(role)
    extensions.write_text("\n".join(lines) + "\n")
    key, request, made = (str(folder / f"{name}.{end}") for end in ("key", "csr", "pem"))
    _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
             "-keyout", key, "-out", request)  # fmt: skip
    _openssl("x509", "-req", "-in", request, "-CA", str(folder / f"{by}.pem"), "-CAkey", str(folder / f"{by}.key"),
             "-CAcreateserial", "-days", "30", "-extfile", str(extensions), "-out", made)  # fmt: skip


class TlsRelay:
    """Listens with TLS, demands a certificate, and passes bytes to a plain port; `pieces` bytes a record if given."""

    def __init__(self, folder: Path, target: int, *, pieces: int = 0, newest: ssl.TLSVersion | None = None) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        if newest is not None:
            context.maximum_version = newest
        self._context, self._target, self._pieces = context, target, pieces
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def __enter__(self) -> "TlsRelay":
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)
        self._loop.close()

    async def _serve(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._relay(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        server = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plain_writer = None
        try:
            plain_reader, plain_writer = await asyncio.open_connection("127.0.0.1", self._target)
            up = asyncio.ensure_future(self._pump(reader, plain_writer, 0))
            down = asyncio.ensure_future(self._pump(plain_reader, writer, self._pieces))
            try:
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
        except OSError:
            pass
        finally:
            for end in (writer, plain_writer):
                if end is not None:
                    end.transport.abort()

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pieces: int) -> None:
        while piece := await reader.read(4096):
            for start in range(0, len(piece), pieces or len(piece)):
                writer.write(piece[start : start + (pieces or len(piece))])
                await writer.drain()
                if pieces:
                    await asyncio.sleep(0.002)
