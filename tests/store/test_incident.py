"""Incident files: whole or not there, checked, and refused in words."""

from pathlib import Path

import apsw
import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.commissioning.backups.reviewing import open_review
from pumpwatch_gui.commissioning.incidents import incident_of_home, make_incident
from pumpwatch_gui.domain.errors import InputError, PumpWatchError, StoreError
from pumpwatch_gui.domain.events import Annotated, FeedbackGiven
from pumpwatch_gui.domain.feedback import EpisodeFeedback, FeedbackVerdict
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.incident import read_incident
from pumpwatch_gui.store.query.history import History
from tests.store.conftest import START_NS, frame_of, profile_of
from tests.store.rigs.plant import PUMPS, fill, run_once, values_at

SECOND = 10**9
SPAN = START_NS + 10 * SECOND, START_NS + 60 * SECOND


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A hundred seconds of two pumps."""
    home = Home(tmp_path_factory.mktemp("incident") / "home")
    home.prepare()
    fill(home.database, 200)
    return home


@pytest.fixture
def history(home: Home) -> History:
    return History(home.database)


def test_a_file_has_the_readings_of_the_span_and_says_so(history: History, tmp_path: Path) -> None:
    path, made = make_incident(history, tmp_path / "trip.pwincident", ["P-101"], SPAN)
    assert read_incident(path) == made
    assert (made.pump_ids, made.start_ns, made.end_ns) == (("P-101",), *SPAN)
    assert made.readings == 61, "a second each, with those of before the span that its beginning is shown with"
    found = History(path, untouched=True)
    (pump,) = found.recorded_pumps()
    tags = ("motor_rpm", "seal_pressure_bar", "anomaly_score")

    def rows(source: History) -> list[object]:
        (part,) = source.readings_of("P-101", tags, start_ns=SPAN[0], end_ns=SPAN[1] + 1, profile=pump.profile)
        return [part.time_ms.tolist(), str(part.values.tolist()), part.quality.tolist()]

    assert rows(found) == rows(history)
    assert str(values_at(40)[0]) in rows(found)[1]  # type: ignore[operator]
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "nothing else is left"


def test_what_people_said_of_the_span_is_in_it(tmp_path: Path) -> None:
    database, profile = tmp_path / "pumpwatch.db", profile_of("motor_rpm")
    store = Store(database, station=1, pumps=[PumpRow("P-101", "A", profile)])
    for second in range(20):
        store.offer_frame(frame_of([float(second)], at_s=second), "NORMAL")
    later = START_NS + 86_400 * SECOND
    store.offer_event(Annotated(later, START_NS + 5 * SECOND, "valve shut", "asha", "P-101"))
    store.offer_event(Annotated(later, START_NS - 500 * SECOND, "long before", "asha", "P-101"))
    said = EpisodeFeedback("P-101", START_NS + SECOND, START_NS + 4 * SECOND, FeedbackVerdict.TRUE, "seen", "asha")
    store.offer_event(FeedbackGiven(later, said))
    run_once(store)
    path, _ = make_incident(History(database), tmp_path / "x.pwincident", ["P-101"], (START_NS, START_NS + 10 * SECOND))
    found = History(path, untouched=True)
    assert [row.detail["note"] for row in found.journal(JournalQuery())] == ["valve shut"]
    assert [one.note for one in found.feedback("P-101")] == ["seen"]


@pytest.mark.parametrize(
    ("pumps", "span", "name", "words"),
    [
        (["P-999", "P-101"], SPAN, "a.pwincident", "has no pump P-999"),
        (["P-101"], (1, 2), "a.pwincident", "no reading of P-101"),
        (["P-101"], SPAN, "a.zip", "does not end in .pwincident"),
        (["P-101"], SPAN, "there.pwincident", "is there already"),
        (["P-101"], SPAN, "no/folder/a.pwincident", "is not there"),
        ([], SPAN, "a.pwincident", "no pump is chosen"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    history: History, tmp_path: Path, pumps: list[str], span: tuple[int, int], name: str, words: str
) -> None:
    (tmp_path / "there.pwincident").write_bytes(b"mine")
    with pytest.raises(InputError, match=words):
        make_incident(history, tmp_path / name, pumps, span)
    assert (tmp_path / "there.pwincident").read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir()] == ["there.pwincident"]


def test_a_file_that_came_meanwhile_is_not_overwritten(history: History, tmp_path: Path) -> None:
    target = tmp_path / "a.pwincident"

    def comes() -> bool:
        target.write_bytes(b"mine")
        return False

    with pytest.raises(InputError, match="is there already"):
        make_incident(history, target, ["P-101"], SPAN, cancelled=comes)
    assert target.read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


def test_cancelling_leaves_nothing(history: History, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cancelled"):
        make_incident(history, tmp_path / "a.pwincident", ["P-101"], SPAN, cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = apsw.Connection

    def small(name: str, *args: object, **kwargs: object) -> apsw.Connection:
        connection = real(name, *args, **kwargs)  # type: ignore[arg-type]
        if name.endswith(".new"):
            connection.execute("PRAGMA max_page_count = 30").get  # noqa: B018 - what a full disk makes of it
        return connection

    monkeypatch.setattr(apsw, "Connection", small)
    with pytest.raises(InputError, match="is full"):
        make_incident(history, tmp_path / "a.pwincident", ["P-101"], SPAN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["cut", "changed", "text", "another program's", "empty"])
def test_a_damaged_file_is_refused_in_words(history: History, tmp_path: Path, what: str) -> None:
    path, _ = make_incident(history, tmp_path / "a.pwincident", list(PUMPS), SPAN)
    content = bytearray(path.read_bytes())
    if what == "another program's":
        path.unlink()
        other = apsw.Connection(str(path))
        other.execute("CREATE TABLE t (x)").get  # noqa: B018
        other.close()
    else:
        for at in range(4096, len(content), 2048):
            content[at] ^= 0xFF
        spoilt = {"cut": content[:9000], "changed": content, "text": b"hello", "empty": b""}[what]
        path.write_bytes(bytes(spoilt))
    with pytest.raises(PumpWatchError) as error:
        open_review(path, tmp_path)
    assert error.value.advice


def test_a_database_is_no_incident_file(home: Home, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not an incident file"):
        open_review(home.database, tmp_path)


def test_a_home_without_a_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no history"):
        incident_of_home(Home(tmp_path), tmp_path / "a", ["P-101"], SPAN)
    with pytest.raises(StoreError):
        History(tmp_path / "none.db").journal_index()


def test_the_command_writes_the_file_and_says_what_is_in_it(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "trip.pwincident"
    span = ["--from", "2023-11-14T22:13:30+00:00", "--to", "2023-11-14T22:14:20+00:00"]
    command = ["incident", "--home", str(home.path), "--pumps", "P-101, P-102", *span, "--out", str(out)]
    assert main(command) == 0
    assert "verified" in capsys.readouterr().out
    assert read_incident(out).pump_ids == ("P-101", "P-102")
    assert main(command) == 2
    assert "is there already" in capsys.readouterr().err
