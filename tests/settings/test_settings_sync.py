"""The [sync] table: off without it, every mistake named, no secret in it."""

from pathlib import Path

import pytest

from pumpwatch_gui.commissioning.sync_setup import daily_volume, typed_settings
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.site_changes import SetSync
from pumpwatch_gui.domain.sync import USUAL_STREAMS, SyncSettings, SyncStream
from pumpwatch_gui.engine.configuration import Configuration
from pumpwatch_gui.settings.site_reader import cautions, load_site, parse_site

GOOD = '[sync]\nurl = "https://abc.supabase.co/"\naccount = "station7@example.org"\n'
PUMP = """
[[pump]]
id = "P-{number}"
profile = "centrifugal"
[[pump.link]]
driver = "modbus-tcp"
host = "10.0.0.{number}"
"""


def parsed(text: str) -> tuple[SyncSettings | None, list[str]]:
    site, problems = parse_site(f"schema = 1\n{text}", Path())
    return site.sync, [str(problem) for problem in problems]


def test_without_the_table_nothing_is_sent() -> None:
    assert parsed("") == (None, [])


def test_a_supabase_project_needs_its_address_and_an_account() -> None:
    sync, problems = parsed(GOOD)
    assert problems == []
    assert sync == SyncSettings("https://abc.supabase.co", "station7@example.org", "", USUAL_STREAMS)
    assert sync is not None
    assert sync.rest_url == "https://abc.supabase.co/rest/v1"
    assert sync.token_url == "https://abc.supabase.co/auth/v1/token"
    assert SyncStream.READINGS not in sync.streams


def test_a_server_of_the_plant_names_where_its_accounts_are() -> None:
    text = (
        '[sync]\nurl = "http://127.0.0.1:3000"\nauth_url = "http://127.0.0.1:9999/auth/v1"\naccount = "s"\n'
        'streams = ["alarms", "readings"]\n'
    )
    sync, problems = parsed(text)
    assert problems == []
    assert sync is not None
    assert (sync.rest_url, sync.token_url) == ("http://127.0.0.1:3000", "http://127.0.0.1:9999/auth/v1/token")
    assert sync.streams == {SyncStream.ALARMS, SyncStream.READINGS}


def test_every_mistake_is_named_at_once_and_sync_stays_off() -> None:
    text = (
        '[sync]\nurl = "http://plant.example.org"\nauth_url = "ftp://x"\nstreams = ["alarms", "reading"]\n'
        'password = "hunter2"\nacount = "x"\n'
    )
    sync, problems = parsed(text)
    assert sync is None
    for words in ("sync.url: is not encrypted", "sync.auth_url: must be an address", "'reading' is not known",
                  "sync.password: is a secret", "sync.account: is missing", "sync.acount: is not known"):  # fmt: skip
        assert any(words in problem for problem in problems), (words, problems)
    assert not any("hunter2" in problem for problem in problems)


@pytest.mark.parametrize("url", ["https://user:word@host", "https://host/?key=1", "host", "https://"])
def test_an_address_is_nothing_but_an_address(url: str) -> None:
    sync, problems = parsed(f'[sync]\nurl = "{url}"\naccount = "s"\n')
    assert sync is None
    assert "word" not in problems[0] or "must have no name" in problems[0]


def test_what_is_sent_where_is_a_caution_of_the_check() -> None:
    site, _ = parse_site(f"schema = 1\n{GOOD}", Path())
    assert [str(caution) for caution in cautions(site)] == [
        "sync: alarms, events, audit, detections, rollups are sent to https://abc.supabase.co "
        "(take [sync] out to send nothing)"
    ]


@pytest.mark.parametrize(
    ("streams", "words"),
    [("[]", "is empty"), ('"alarms"', "must be a list of texts"), ('[["alarms"]]', "must be a list of texts")],
)
def test_streams_are_named_in_a_list(streams: str, words: str) -> None:
    sync, problems = parsed(f"{GOOD}streams = {streams}\n")
    assert sync is None
    assert len(problems) == 1
    assert f"sync.streams: {words}" in problems[0]


def test_it_is_written_with_its_comments_said_and_switched_off(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(f"schema = 1\n# ours\n{GOOD}auth_url = 'https://other.example.org'  # for now\n", "utf-8")
    configuration = Configuration(load_site(path).site, path)
    wanted = SyncSettings("https://new.example.org", "b@example.org", "", frozenset({SyncStream.AUDIT}))
    update = configuration.change([SetSync(wanted)])
    assert update.site.sync == wanted
    assert update.text == "sync to https://new.example.org as b@example.org from now on: audit log"
    text = path.read_text("utf-8")
    assert "# ours" in text
    assert "auth_url" not in text
    assert 'streams = ["audit"]' in text
    with pytest.raises(InputError, match="is not encrypted"):
        configuration.change([SetSync(SyncSettings("http://example.org", "b@example.org"))])
    assert path.read_text("utf-8") == text
    update = configuration.change([SetSync(None)])
    assert update.site.sync is None
    assert "[sync]" not in path.read_text("utf-8")
    assert "switched off" in update.text


def test_what_was_typed_is_checked_as_the_file_is() -> None:
    with pytest.raises(InputError) as caught:
        typed_settings("ftp://x", "", " ", [])
    assert [part.partition(" ")[0] for part in caught.value.message.split("; ")] == ["url", "account", "streams"]
    found = typed_settings(" https://abc.supabase.co/ ", "", "a@b", [SyncStream.AUDIT])
    assert found == SyncSettings("https://abc.supabase.co", "a@b", "", frozenset({SyncStream.AUDIT}))


def test_the_volume_of_a_day_is_that_of_the_site() -> None:
    site, _ = parse_site("schema = 1\n" + "".join(PUMP.format(number=i) for i in range(50)), Path())
    assert daily_volume(SyncStream.READINGS, site) == "1.8 GB a day, a row a scan"
    assert daily_volume(SyncStream.ROLLUPS, site) == "41 MB a day, a row a minute"
    assert daily_volume(SyncStream.ALARMS, site) == "some rows a day"
