"""A site on which every sensor of every pump goes over its limit within ten seconds, played from one recording."""

from pathlib import Path

CALM_S = 20
FLOOD_S = 10
AFTER_S = 60
LIMIT, CALM, OVER = 100.0, 50.0, 120.0


def flood_site(folder: Path, *, pumps: int, sensors: int) -> Path:
    """Write profile, recording and site file; `pumps` × `sensors` alarms come, as soon as their conditions hold."""
    tags = [f"sensor_{i:02d}" for i in range(sensors)]
    profile = ['name = "flood"\nlabel = "Every sensor goes over its limit"']
    profile += [
        f'[[sensor]]\ntag = "{tag}"\nlabel = "Sensor {tag[-2:]}"\nunit = "bar"\nspan = [0.0, 200.0]\nresolution = 0.1\n'
        f"limits = {{ high = {LIMIT}, deadband = 1.0, on_delay_s = 0.0, off_delay_s = 5.0 }}"
        for tag in tags
    ]
    (folder / "flood.toml").write_text("\n".join(profile) + "\n", "utf-8")
    lines = [",".join(("timestamp", *tags))]
    for second in range(CALM_S + FLOOD_S + AFTER_S):
        over = (second - CALM_S + 1) * sensors / FLOOD_S
        # The last digit moves: a value that never changes is another alarm.
        cells = (f"{(OVER if i < over else CALM) + 0.1 * ((second + i) % 5):.1f}" for i in range(sensors))
        lines.append(",".join((str(1_760_000_000 + second), *cells)))
    (folder / "flood.csv").write_text("\n".join(lines) + "\n", "utf-8")
    site = ['schema = 1\n[site]\nname = "Flood"']
    site += [
        f'[[pump]]\nid = "P-{101 + i}"\nname = "Pump {i + 1}"\nprofile = "flood.toml"\nmodel = "none"\n'
        '[[pump.link]]\ndriver = "replay"\nfile = "flood.csv"\nloop = false\nperiod_s = 1.0'
        for i in range(pumps)
    ]
    site_file = folder / "site.toml"
    site_file.write_text("\n".join(site) + "\n", "utf-8")
    return site_file
