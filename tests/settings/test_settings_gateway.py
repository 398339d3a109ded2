"""The table `[gateway]`: off where nothing is said, every mistake named."""

import pytest

from pumpwatch_gui.domain.gateway import GatewaySettings
from pumpwatch_gui.settings.site_reader import cautions, parse_site

SITE = "schema = 1\n"


def problems(text: str) -> tuple[GatewaySettings, list[str]]:
    site, found = parse_site(SITE + text, None)
    return site.gateway, [str(problem) for problem in found]


def test_it_is_off_and_on_loopback_where_nothing_is_said() -> None:
    settings, found = problems("")
    assert settings == GatewaySettings(enabled=False, host="127.0.0.1", port=8765, is_open=False)
    assert found == []


def test_what_is_said_is_taken() -> None:
    text = '[gateway]\nenabled = true\nhost = "::1"\nport = 9000\nopen = true\n'
    text += 'origins = ["HTTP://Dashboard.example/", "https://[::1]:9000"]\n'
    origins = ("http://dashboard.example", "https://[::1]:9000")
    assert problems(text) == (GatewaySettings(True, "::1", 9000, True, origins=origins), [])


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("enabled = 1", "gateway.enabled"),
        ("port = 70000", "gateway.port"),
        ('host = "a b"', "gateway.host"),
        ('host = "10.0.0.5"', "gateway.certificate"),
        ('host = "10.0.0.5"\ncertificate = "a.pem"\nkey = "a.key"\nopen = true', "gateway.open"),
        ('certificate = "a.pem"', "gateway.key"),
        ("opened = true", "gateway.opened"),
        ('origins = "http://127.0.0.1"', "gateway.origins"),
        ("origins = [9000]", "gateway.origins"),
        *(
            (f'origins = ["{text}"]', "gateway.origins")
            for text in (
                "",
                "*",
                "null",
                "127.0.0.1:9000",
                "http://a/b",
                "http://a@b",
                "ftp://a",
                "http://a:x",
                "http://:1",
            )
        ),
    ],
)
def test_a_mistake_is_named_and_keeps_it_off(text: str, path: str) -> None:
    settings, found = problems(
        f"[gateway]\nenabled = true\n{text}\n" if "enabled" not in text else f"[gateway]\n{text}\n"
    )
    assert not settings.enabled
    assert [line.partition(":")[0] for line in found] == [path]


def test_every_mistake_is_named_at_once() -> None:
    _, found = problems('[gateway]\nenabled = "yes"\nport = 0\nhost = "0.0.0.0"\nopen = true\n')
    assert len(found) == 4


def test_check_says_that_others_are_let_in_and_that_posts_find_nobody() -> None:
    site, _ = parse_site(SITE + "[gateway]\nenabled = true\nopen = true\n", None)
    assert "every program of this computer" in str(cautions(site)[0])
    pump = '[[pump]]\nid = "P-101"\nprofile = "centrifugal"\n[[pump.link]]\ndriver = "rest-ingest"\n'
    site, found = parse_site(SITE + pump, None)
    assert not found
    assert "is off" in str(cautions(site)[0])
