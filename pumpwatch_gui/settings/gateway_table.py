"""The table `[gateway]` of a site file: whether other programs may ask and post, and where."""

from urllib.parse import urlsplit

from pumpwatch_gui.domain.gateway import DEFAULT_PORT, GatewaySettings
from pumpwatch_gui.domain.links.config import host_mistake
from pumpwatch_gui.settings.toml_table import Table


def read_gateway(table: Table) -> GatewaySettings:
    """The settings; with any mistake, each of which is noted, the gateway stays off."""
    before = len(table.problems)
    enabled = table.take("enabled", bool, "true or false", False)
    host = table.take_text("host", "127.0.0.1")
    port = table.take("port", int, "a whole number 1-65535", DEFAULT_PORT)
    is_open = table.take("open", bool, "true or false", False)
    certificate, key = table.take_text("certificate", ""), table.take_text("key", "")
    origins = _origins(table)
    table.finish()
    if port is not None and not 1 <= port <= 65_535:
        table.note("port", f"must be 1 to 65535, not {port}")
    mistake = host_mistake(host) if host else ""
    if mistake:
        table.note("host", mistake)
    if bool(certificate) != bool(key):
        missing = "key" if certificate else "certificate"
        table.note(missing, "is missing", "TLS needs both, the certificate and its private key, as PEM files")
    settings = GatewaySettings(
        bool(enabled), host or "", port or 0, bool(is_open), certificate or "", key or "", origins
    )
    if host and not mistake and not settings.is_loopback:
        if is_open:
            table.note("open", f"must be false: other computers reach {host}", "`pumpwatch gateway-key` makes keys")
        if not certificate and not key:
            table.note("certificate", f"is missing: {host} is not loopback, keys would cross the network readable",
                       "give `certificate` and `key` (PEM files), or host = \"127.0.0.1\"")  # fmt: skip
    return settings if len(table.problems) == before else GatewaySettings()


def _origins(table: Table) -> tuple[str, ...]:
    """As a browser sends them: in small letters, without a slash at the end."""
    origins = tuple(one.rstrip("/").lower() for one in table.take_texts("origins", ()) or ())
    for origin in origins:
        if not _is_origin(origin):
            advice = 'write scheme, host and port alone: origins = ["http://127.0.0.1:9000"]'
            table.note("origins", f"{origin!r} is no address of pages", advice)
    return origins


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_whole and text == f"{parts.scheme}://{parts.netloc}" and "@" not in text
