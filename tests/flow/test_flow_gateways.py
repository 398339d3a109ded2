"""A gateway that falls silent as a whole: one alarm and one row of the journal, however many pumps are behind it."""

from collections.abc import Callable
from pathlib import Path

from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.domain.commands import Acknowledge
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.values.quality import Quality
from tests.acquire.gateway import Gateway
from tests.acquire.scanning import register_map
from tests.flow.running import RunningStation, home_at

Wait = Callable[..., None]
UNITS = range(1, 51)
ALARM = "station/connection.127.0.0.1:{}"


def site_text(gateway: Gateway, folder: Path, units: range = UNITS) -> str:
    registers = register_map(folder / "one.toml", 0).replace("\\", "/")
    (folder / "one.toml").write_text((folder / "one.toml").read_text().replace('"r0"', '"motor_rpm"'))
    links = (
        f'[[pump]]\nid = "U{u}"\nprofile = "centrifugal"\n[[pump.link]]\ndriver = "modbus-tcp"\n'
        f'host = "127.0.0.1"\nport = {gateway.port}\nunit = {u}\nregisters = "{registers}"\n'
        for u in units
    )
    return "schema = 1\n" + "".join(links)


def rows(station: RunningStation) -> list[str]:
    kinds = ("alarm", "link")
    return [row.text for row in reversed(station.engine.history.journal(JournalQuery(kinds=kinds)))]


def test_a_silent_gateway_is_one_alarm_and_three_rows_an_episode(tmp_path: Path, wait_until: Wait) -> None:
    with Gateway() as gateway:
        alarm_id = ALARM.format(gateway.port)
        station = RunningStation(home_at(tmp_path / "home"), site_text(gateway, tmp_path)).start()

        def online() -> int:
            return sum(link.state is LinkState.ONLINE for v in station.engine.latest().pumps for link in v.links)

        wait_until(lambda: online() == len(UNITS), within_s=30)
        wait_until(lambda: len(rows(station)) >= len(UNITS), within_s=30)
        before = len(rows(station))
        gateway.is_mute = True
        wait_until(lambda: station.engine.latest().alarms, within_s=30)
        (alarm,) = station.engine.latest().alarms
        assert alarm.alarm_id == alarm_id
        assert all(f"U{u}" in alarm.text for u in UNITS)
        pumps = station.engine.latest().pumps
        assert all(p.frame is not None and p.frame.worst is Quality.BAD for p in pumps)
        assert all("no response" in p.links[0].last_error for p in pumps)
        gateway.is_mute = False
        wait_until(lambda: online() == len(UNITS), within_s=30)
        wait_until(lambda: station.engine.latest().alarms[0].state is AlarmState.RETURNED, within_s=30)
        wait_until(lambda: "returned" in rows(station)[-1], within_s=30)
        assert len(rows(station)[before:]) == 3
        assert station.order(Acknowledge(alarm_id)).ok
        assert station.engine.latest().alarms == ()
        station.end()


def test_the_alarm_of_a_gateway_lives_over_a_restart_and_ends_with_its_last_link(
    tmp_path: Path, wait_until: Wait
) -> None:
    home = home_at(tmp_path / "home")
    with Gateway() as gateway:
        gateway.is_mute = True
        text = site_text(gateway, tmp_path, range(1, 4))
        station = RunningStation(home, text).start()
        wait_until(lambda: station.engine.latest().alarms, within_s=30)
        raised_ns = station.engine.latest().alarms[0].raised_ns
        station.end()
        station = RunningStation(home, text).start()
        (alarm,) = station.engine.latest().alarms
        assert (alarm.state, alarm.raised_ns) == (AlarmState.UNACKNOWLEDGED, raised_ns)
        station.end()
        station = RunningStation(home, site_text(gateway, tmp_path, range(1, 2)))
        (alarm,) = station.engine.latest().alarms
        assert alarm.state is AlarmState.RETURNED
        assert "no longer watched" in alarm.text
        station.start().end()
