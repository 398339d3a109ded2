"""Modbus/TCP Security: who is let in, who is refused and with which words, records in pieces, the role."""

import dataclasses
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.discovery import trial
from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.modbus.wire.tls import role_of
from pumpwatch_gui.domain.links.config import ModbusTlsConfig
from pumpwatch_gui.domain.values.quality import Quality
from tests.acquire.certificates import TlsRelay, make_authority, make_certificate
from tests.acquire.faulty_server import FaultyServer
from tests.acquire.scanning import Scanning, register_map, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority with a server and a client; a stranger with certificates of its own."""
    folder: Path = tmp_path_factory.mktemp("plant")
    make_authority(folder)
    make_authority(folder, "stranger")
    make_certificate(folder, "server", role="Pump station")
    make_certificate(folder, "client", role="Viewer")
    make_certificate(folder, "unknown", by="stranger")
    register_map(folder / "two.toml", 0, 1)
    return folder


def config(port: int, **changes: object) -> ModbusTlsConfig:
    plain = ModbusTlsConfig("127.0.0.1", port, "ca.pem", "client.pem", "client.key", period_s=0.1, registers="two.toml")
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("pieces", [0, 3])
def test_values_and_roles_arrive_whatever_the_version_and_the_records(
    plant: Path, newest: ssl.TLSVersion, pieces: int, wait_until: Wait
) -> None:
    with FaultyServer() as server, TlsRelay(plant, server.port, newest=newest, pieces=pieces) as relay:
        with Scanning([Binding("P", PROFILE, (config(relay.port),), plant)]) as s:
            wait_until(lambda: s.is_good("P"))
            first = len(s.of("P"))
            wait_until(lambda: len(s.of("P")) >= first + 8)
            view = s.view("P/1")
        assert all(f.worst is Quality.GOOD for f in s.of("P")[first:])
        assert view.identity.endswith(", device's role Pump station, our role Viewer")
        assert view.identity.startswith(newest.name.replace("_", "."))


@pytest.fixture
def strict_server(plant: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of openssl's own server, which lets in only clients of the plant and says why it refuses others."""
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "server.key", "-CAfile",
               "ca.pem", "-Verify", "1", "-verify_return_error", request.param]  # fmt: skip
    with subprocess.Popen(command, cwd=plant, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as child:  # fmt: skip
        assert child.stdout is not None
        line = next(x for x in child.stdout if x.startswith("ACCEPT"))
        yield int(line.rsplit(":", 1)[1])
        child.kill()


@pytest.mark.parametrize("strict_server", ["-tls1_2", "-tls1_3"], indirect=True)
def test_a_device_that_refuses_our_certificate_is_distinguished_from_silence(plant: Path, strict_server: int) -> None:
    mine = config(strict_server, certificate="unknown.pem", key="unknown.key")
    outcome = trial.test_link(mine, PROFILE, base_dir=plant)
    assert not outcome.ok
    assert "our certificate was refused" in outcome.text
    assert "alert" in outcome.text


def test_a_device_that_hangs_up_without_an_alert_is_suspected_of_the_same(plant: Path) -> None:
    with FaultyServer() as server, TlsRelay(plant, server.port) as relay:
        mine = config(relay.port, certificate="unknown.pem", key="unknown.key")
        outcome = trial.test_link(mine, PROFILE, base_dir=plant)
    assert not outcome.ok
    assert "our certificate was refused, it seems" in outcome.text


def test_a_device_of_another_authority_is_refused(plant: Path) -> None:
    with FaultyServer() as server, TlsRelay(plant, server.port) as relay:
        outcome = trial.test_link(config(relay.port, ca="stranger.pem"), PROFILE, base_dir=plant)
        assert not server.log
    assert not outcome.ok
    assert outcome.text.startswith(f"certificate of 127.0.0.1:{relay.port} refused")
    assert "authority" in outcome.advice


def test_a_name_in_the_subject_alone_is_no_name(tmp_path: Path) -> None:
    make_authority(tmp_path)
    make_certificate(tmp_path, "localhost", host="")
    make_certificate(tmp_path, "client")
    for ending in ("pem", "key"):
        (tmp_path / f"localhost.{ending}").rename(tmp_path / f"server.{ending}")
    register_map(tmp_path / "two.toml", 0, 1)
    with FaultyServer() as server, TlsRelay(tmp_path, server.port) as relay:
        outcome = trial.test_link(config(relay.port, host="localhost"), PROFILE, base_dir=tmp_path)
    assert not outcome.ok
    assert "localhost" in outcome.text


def test_a_device_of_another_name_is_refused(plant: Path) -> None:
    with FaultyServer() as server, TlsRelay(plant, server.port) as relay:
        outcome = trial.test_link(config(relay.port, server_name="other.plant"), PROFILE, base_dir=plant)
        assert not server.log
    assert not outcome.ok
    assert "refused" in outcome.text
    assert "other.plant" in outcome.text


@pytest.mark.parametrize(("field", "name"), [("ca", "none.pem"), ("certificate", "none.pem"), ("key", "server.key")])
def test_a_file_that_cannot_be_used_is_named(plant: Path, field: str, name: str) -> None:
    outcome = trial.test_link(config(1, **{field: name}), PROFILE, base_dir=plant)
    assert not outcome.ok
    assert "cannot be used" in outcome.text
    assert outcome.advice


def test_an_encrypted_key_is_refused_without_a_prompt(plant: Path) -> None:
    subprocess.run(["openssl", "ec", "-aes128", "-passout", "pass:secret", "-in", str(plant / "client.key"), "-out",
                    str(plant / "locked.key")], check=True, capture_output=True)  # fmt: skip
    outcome = trial.test_link(config(1, key="locked.key"), PROFILE, base_dir=plant)
    assert not outcome.ok
    assert "must not be encrypted" in outcome.advice


def test_a_plain_device_does_not_speak_tls(plant: Path) -> None:
    with FaultyServer(always="garbage") as server:
        outcome = trial.test_link(config(server.port), PROFILE, base_dir=plant)
    assert not outcome.ok
    assert outcome.text


def test_the_role_is_read_from_the_extension_and_from_nowhere_else(plant: Path) -> None:
    def der(name: str) -> bytes:
        return ssl.PEM_cert_to_DER_cert((plant / f"{name}.pem").read_text())

    assert (role_of(der("server")), role_of(der("client")), role_of(der("unknown"))) == ("Pump station", "Viewer", "")
    for length in range(0, 200, 7):
        with pytest.raises(ValueError, match=r"no certificate|longer than|unpack"):
            role_of(der("client")[:length])
