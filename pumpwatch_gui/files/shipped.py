"""Where the shipped files lie: `resources/` and `models/`, in a checkout, a wheel or a frozen program."""

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def user_path(name: str, base_dir: Path | None = None) -> Path:
    """The path that a person wrote, relative to `base_dir`; `~` is a home, that of an unknown user stays as it is."""
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - that of Path raises RuntimeError then
    return path if base_dir is None else base_dir / path


def shipped(kind: str) -> Path:
    """The folder `resources` or `models` that came with the program; raises FileNotFoundError when it is not there."""
    frozen = Path(getattr(sys, "_MEIPASS", _PACKAGE / "_shipped"))
    for root in (_PACKAGE.parent, frozen, _PACKAGE / "_shipped"):
        if (root / kind).is_dir():
            return root / kind
    raise FileNotFoundError(f"the folder {kind} was not installed with the program")


def find_shipped(kind: str, name: str, *, suffix: str = "", base_dir: Path | None = None) -> Path:
    """The file that `name` means: a path (relative to `base_dir`), or the name of one of the shipped ones.

    Raises FileNotFoundError naming what was looked for and what is shipped.
    """
    folder = shipped(kind.split("/")[0]).joinpath(*kind.split("/")[1:])
    own = user_path(name, base_dir)
    if ("/" in name or "\\" in name or name.endswith(suffix or "/")) and os.path.lexists(own) and own.exists():
        return own
    known = {p.name: p for p in folder.glob("*" + suffix) if not p.name.startswith(".")}
    if name + suffix in known:  # not by the path: ".." is no shipped model
        return known[name + suffix]
    names = ", ".join(sorted(known_name.removesuffix(suffix) for known_name in known))
    raise FileNotFoundError(f"{name!r} is neither a path that exists nor one of: {names}")
