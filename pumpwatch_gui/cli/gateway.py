"""The gateway on the command line: its keys, and letting it run with a station."""

import argparse
from dataclasses import replace
from importlib.util import find_spec

from pumpwatch_gui.domain.errors import PrerequisiteError
from pumpwatch_gui.domain.gateway import GatewaySettings, Scope
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.wording import date
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home, find_home

_NEEDS = ("starlette", "uvicorn")


def gateway_key(options: argparse.Namespace) -> int:
    """Make, list or remove a key. What is made is printed, and nowhere else."""
    from pumpwatch_gui.share.keys import ApiKey, KeyFile

    home = find_home(options.home)
    home.prepare()
    keys = KeyFile(home.path)

    def line(key: ApiKey) -> str:
        pumps = ", ".join(key.pumps) or "all pumps"
        until = f"until {_day(key.expires_s)}" if key.expires_s else "for ever"
        return f"{key.key_id}  {key.scope.value:<6}  {pumps}  made {_day(key.created_s)}, {until}  {key.name}".rstrip()

    if options.list:
        used = keys.last_used()
        for key in keys.all():
            last = f"last used {_day(used[key.key_id])}" if key.key_id in used else "not used"
            print(f"{line(key)}  ({last})")
    elif options.remove:
        print(f"removed: {line(keys.remove(options.remove))}")
    else:
        secret, key = keys.make(Scope(options.scope), name=options.name, pumps=options.pump or (), days=options.days)
        print(secret)
        print(line(key))
    return 0


def add_gateway(engine: Engine, site: Site, home: Home, options: argparse.Namespace) -> None:
    """Let the gateway run with the engine where the site file or `--gateway` says so. Nothing is imported else.

    Raises PrerequisiteError when its packages are missing.
    """
    settings = settings_of(site, getattr(options, "gateway", None))
    if not settings.enabled:
        return
    if missing := [name for name in _NEEDS if find_spec(name) is None]:
        advice = "install them with `pip install 'pumpwatch[gateway]'`, or turn the gateway off"
        raise PrerequisiteError(f"the gateway needs {' and '.join(missing)}", advice)
    from pumpwatch_gui.share.gateway.serving import GatewayLoop

    engine.add_loop("gateway", GatewayLoop(engine, engine.inlet, home.path, settings, site.folder).run)


def settings_of(site: Site, asked_port: int | None) -> GatewaySettings:
    """The settings of a run: those of the site, on with `--gateway` (-1: at the port that the site says)."""
    if asked_port is None:
        return site.gateway
    return replace(site.gateway, enabled=True, port=site.gateway.port if asked_port < 0 else asked_port)


def _day(time_s: float) -> str:
    return date(round(time_s * 1e9))
