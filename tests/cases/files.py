"""Cases of site files, maps, homes and ports."""

from collections.abc import Callable
from pathlib import Path

from tests.cases.case import ALL, Case, pumpwatch, shown_by, wide_profile


def checked(
    site: str, code: int, *words: str, encoding: str = "utf-8", registers: str = ""
) -> Callable[[Path], tuple[str, bool]]:
    """A case of `pumpwatch check`: its exit code, and words that it says."""

    def play(folder: Path) -> tuple[str, bool]:
        (folder / "site.toml").write_text(site, encoding)
        (folder / "map.toml").write_text(f'name = "map"\n{registers}', "utf-8")
        wide_profile(folder)
        (folder / "no-numbers.csv").write_text(
            "timestamp,motor_rpm\n2025-03-20T00:00:00,run\n2025-03-20T00:00:01,run\n"
        )
        found = pumpwatch(folder, "check", "--site", str(folder / "site.toml"))
        said = " ".join((found.stdout + found.stderr).split())
        return f"exit {found.returncode}: {said[:150]}", found.returncode == code and all(w in said for w in words)

    return play


def pump(number: int, link: str, profile: str = "wide.toml") -> str:
    """One pump of a site file."""
    return f'[[pump]]\nid = "P-{number}"\nprofile = "{profile}"\nmodel = "none"\n[[pump.link]]\n{link}\n'


SOCKET = 'driver = "modbus-tcp"\nhost = "127.0.0.1"\nport = 5880\nregisters = "map.toml"'
ONE = '[[point]]\ntag = "motor_rpm"\naddress = 1\ntype = "uint16"\n'
CODINGS = "".join(
    f'[[point]]\ntag = "{tag}"\n{row}\n'
    for tag, row in zip(
        ALL,
        (
            'address = 206\ntype = "uint8"\nbyte = "high"',
            'address = 10\ntype = "mod10k"',
            'address = 20\ntype = "int16"\nscale_register = 22',
            'address = 30\ntype = "uint48"',
            'address = 40\ntype = "sm16"',
            'address = 50\ntype = "uint16"',
            'address = 50\ntype = "bit"\nbit = 11',
            'address = 60\ntype = "uint16"',
            'address = 60\ntype = "int16"\nscale = 0.1',
        ),
        strict=False,
    )
)
SITE = "schema = 1\n"
CHECKED = (
    Case(
        "30", "a byte order mark was a mistake", checked(SITE + pump(1, SOCKET), 0, encoding="utf-8-sig", registers=ONE)
    ),
    Case(
        "31",
        "a missing recording and one without numbers were good",
        checked(
            SITE
            + pump(1, 'driver = "replay"\nfile = "none.csv"')
            + pump(2, 'driver = "replay"\nfile = "no-numbers.csv"'),
            2,
            "none.csv",
            "no-numbers.csv",
        ),
    ),
    Case(
        "32",
        "an old code page: the message of a codec",
        checked(SITE + '[site]\nname = "Süd"\n' + pump(1, SOCKET), 2, "UTF-8", encoding="latin-1", registers=ONE),
    ),
    Case("40", "seven codings that no map could say", checked(SITE + pump(1, SOCKET), 0, registers=CODINGS)),
)
FILES = (
    *CHECKED,
    Case(
        "50",
        "a typed comma made ten times the number",
        shown_by("tests/gui/test_gui_devices.py::test_a_number_is_typed_with_a_point_or_a_comma_and_never_grows_by_it"),
    ),
    Case(
        "51",
        "a deleted database: rows were counted that were nowhere",
        shown_by(
            "tests/store/test_store_lost_file.py::test_a_commit_into_a_file_that_is_gone_is_made_again",
            "tests/store/test_store_lost_file.py::test_a_log_that_is_deleted_under_the_program_costs_nothing",
        ),
    ),
    Case(
        "52",
        "two collectors wrote to one home",
        shown_by(
            "tests/flow/test_flow_joined.py::test_a_second_collector_is_refused_with_the_first_ones_process_id_kind_and_start"
        ),
    ),
    Case(
        "53",
        "only the first address of a name was tried",
        shown_by(
            "tests/acquire/modbus/test_redial.py::test_every_address_of_a_name_is_tried_whether_the_first_refuses_or_stays_silent"
        ),
    ),
    Case(
        "54",
        "a port whose set-up failed stayed locked",
        shown_by(
            "tests/acquire/modbus/test_redial.py::test_after_a_port_that_could_not_be_set_up_nothing_is_held_and_the_reason_stays_the_same"
        ),
    ),
)
