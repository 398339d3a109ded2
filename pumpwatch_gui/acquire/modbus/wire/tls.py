"""Modbus/TCP Security: the TLS context of a link, and the role that a certificate carries.

After MB-TCP-Security v36 (2021): the unchanged Modbus TCP frame inside TLS 1.2 or newer, certificates on both sides,
the role as a UTF8String in the certificate extension 1.3.6.1.4.1.50316.802.1.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import ModbusTlsConfig
from pumpwatch_gui.files.shipped import user_path

ROLE_OID = bytes.fromhex("2b0601040183890c862201")
"""1.3.6.1.4.1.50316.802.1 in DER."""

_SEQUENCE, _OBJECT, _OCTETS, _UTF8, _EXTENSIONS = 0x30, 0x06, 0x04, 0x0C, 0xA3


def tls_context(config: ModbusTlsConfig, base_dir: Path | None) -> ssl.SSLContext:
    """Verify the device against the plant's authority and its name, show our own certificate.

    Raises InputError that names the file at fault.
    """
    authority, certificate, key = (user_path(p, base_dir) for p in (config.ca, config.certificate, config.key))
    # PROTOCOL_TLS_CLIENT requires a certificate and checks the host name. No default authorities are loaded: only the
    # plant's may vouch for a device.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A name in the subject instead of in the alternative names was given up by RFC 6125: it may be anything.
    context.hostname_checks_common_name = False
    try:
        context.load_verify_locations(authority)
    except (OSError, ssl.SSLError) as error:
        raise _unusable("ca", authority, error, "give the PEM file of the authority that signed the device") from error
    try:
        # Without a password callback OpenSSL prompts for one on the terminal, and blocks until it is typed.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        advice = "give PEM files that belong together; the key must not be encrypted, protect it by its permissions"
        raise _unusable("certificate or key", certificate, error, advice) from error
    return context


def own_role(config: ModbusTlsConfig, base_dir: Path | None) -> str:
    """The role in our own certificate, "" without one. Raises InputError when the file is no certificate."""
    path = user_path(config.certificate, base_dir)
    try:
        return role_of(ssl.PEM_cert_to_DER_cert(_first_certificate(path.read_text("ascii"))))
    except (OSError, ValueError) as error:
        raise _unusable("certificate", path, error, "give a PEM file") from error


def role_of(certificate: bytes) -> str:
    """The role in a certificate (DER), "" without one. Raises ValueError when it is no certificate."""
    # `getpeercert()` of the ssl module decodes no extension but the alternative names, so the DER is walked through.
    try:
        ((_, whole),) = _elements(certificate)
        _, to_be_signed = next(_elements(whole))
        lists = [content for kind, content in _elements(to_be_signed) if kind == _EXTENSIONS]
        for _, extensions in (element for content in lists for element in _elements(content)):
            for _, extension in _elements(extensions):
                parts = list(_elements(extension))
                if parts[0] == (_OBJECT, ROLE_OID) and parts[-1][0] == _OCTETS:
                    ((kind, text),) = _elements(parts[-1][1])
                    return text.decode("utf-8") if kind == _UTF8 else ""
    except (IndexError, StopIteration) as error:
        raise ValueError("no certificate") from error
    return ""


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of each DER element. Raises IndexError, ValueError when it is none."""
    at = 0
    while at < len(content):
        tag, length = content[at], content[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(content[at : at + size])
            at += size
        if at + length > len(content):
            raise ValueError("a DER element is longer than what holds it")
        yield tag, content[at : at + length]
        at += length


def _first_certificate(text: str) -> str:
    begin, end = text.index(ssl.PEM_HEADER), text.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)
    return text[begin:end]


def _unusable(field: str, path: Path, error: Exception, advice: str) -> InputError:
    why = getattr(error, "strerror", None) or str(error)
    return InputError(f"{field}: {path} cannot be used: {why}", advice)
