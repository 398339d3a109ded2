"""The texts of a station's settings, as a server keeps them: from these its computer can be set up again."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, Final

from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.toml_text import parse_toml, read_toml_text
from pumpwatch_gui.settings.kept_files import kept_files

log = logging.getLogger("pumpwatch.settings")

_ADDRESS_WITH_PASSWORD: Final = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_SECRET_KEYS: Final = ("password", "secret", "token", "apikey", "service_key", "sync_key", "sync_password")


def texts_to_keep(home: Home, site_file: Path) -> Mapping[str, str]:
    """The site file and the profiles, register maps, costs and guidance of its own, by their paths in a home.

    A file that holds anything like a password is left out, and the log says which. Empty where nothing can be read.
    """
    try:
        files = kept_files(home, site_file).files
    except OSError as error:
        log.warning("the files of the site cannot be read, so the server does not get them: %s", error)
        return {}
    found: dict[str, str] = {}
    for name, path in files.items():
        if not name.endswith(".toml"):
            continue
        try:
            text = read_toml_text(path)
            secret = _secret_in(parse_toml(text))
        except (OSError, TOMLDecodeError) as error:
            log.warning("%s is not kept by the server: %s", path, error)
            continue
        if secret or "\0" in text:
            log.warning(
                "%s is not kept by the server: it holds %s", path, f"a secret ({secret})" if secret else "U+0000"
            )
            continue
        found[name] = text
    return found


def _secret_in(value: Any) -> str:
    """The key of the first secret in a document, "" where there is none."""
    if isinstance(value, str) and _ADDRESS_WITH_PASSWORD.search(value):
        return "an address with a password"
    if isinstance(value, list):
        return next((found for one in value if (found := _secret_in(one))), "")
    if not isinstance(value, dict):
        return ""
    for key, inner in value.items():
        is_sync_key = key == "sync" and isinstance(inner, dict) and "key" in inner
        if (str(key).casefold() in _SECRET_KEYS and inner not in ("", None)) or is_sync_key:
            return f"{key}.key" if is_sync_key else str(key)
        if found := _secret_in(inner):
            return found
    return ""
