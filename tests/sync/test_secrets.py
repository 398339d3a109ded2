"""Secrets come from the key store, the environment or a file of the owner's alone; a key that opens all is refused."""

import base64
import json
import os
from pathlib import Path

import pytest

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.sync.secrets import SyncSecrets, check_key, find_secrets, keep_secrets

PUBLIC = "sb_publishable_abc"


def token(role: str) -> str:
    content = base64.urlsafe_b64encode(json.dumps({"role": role}).encode()).decode().rstrip("=")
    return f"e30.{content}.signature"


def write(home: Path, text: str, mode: int = 0o600) -> Path:
    path = home / "secrets.toml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_the_key_store_is_asked_first_then_the_environment_then_the_file(tmp_path: Path) -> None:
    write(tmp_path, f'sync_key = "{PUBLIC}_file"\nsync_password = "of the file"\n')
    store = {"sync_password": "of the store"}
    environment = {"PUMPWATCH_SYNC_PASSWORD": "of the environment"}
    found = find_secrets(tmp_path, environment=environment, keyring=lambda name: store.get(name, ""))
    assert (found.key, found.password) == (f"{PUBLIC}_file", "of the store")
    assert find_secrets(tmp_path, environment=environment, keyring=lambda name: "").password == "of the environment"
    assert find_secrets(tmp_path, environment={}, keyring=lambda name: "").password == "of the file"


def test_a_password_that_is_nowhere_is_said_with_the_places(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is nowhere") as caught:
        find_secrets(tmp_path, environment={}, keyring=lambda name: "")
    for place in ("keyring set PumpWatch", "PUMPWATCH_SYNC_PASSWORD", "secrets.toml"):
        assert place in caught.value.advice


@pytest.mark.skipif(os.name != "posix", reason="permissions of a file are of POSIX")
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, 'sync_password = "x"\n', 0o640)
    with pytest.raises(InputError, match="can be read by other users") as caught:
        find_secrets(tmp_path, environment={}, keyring=lambda name: "")
    assert caught.value.advice == f"chmod 600 {path}"


def test_a_file_that_is_not_toml_is_said_without_what_is_in_it(tmp_path: Path) -> None:
    write(tmp_path, "sync_password = hunter2\n")
    with pytest.raises(InputError, match="is not TOML") as caught:
        find_secrets(tmp_path, environment={}, keyring=lambda name: "")
    assert "hunter2" not in f"{caught.value.message}{caught.value.advice}"


@pytest.mark.parametrize("key", ["sb_secret_abc", token("service_role"), token("supabase_admin")])
def test_a_secret_key_is_refused_with_the_reason(key: str) -> None:
    with pytest.raises(InputError, match="passes over row-level security") as caught:
        check_key(key)
    assert key not in f"{caught.value.message}{caught.value.advice}"


@pytest.mark.parametrize("key", ["a key", "k\ney", "schlüssel"])
def test_a_key_that_was_copied_wrong_is_said_without_it(key: str) -> None:
    with pytest.raises(InputError, match="has characters") as caught:
        check_key(key)
    assert key not in f"{caught.value.message}{caught.value.advice}"


@pytest.mark.parametrize("key", ["", PUBLIC, token("anon"), "a.b.c", "..."])
def test_a_key_that_opens_nothing_by_itself_is_taken(key: str) -> None:
    check_key(key)


def test_no_text_of_the_secrets_shows_them() -> None:
    assert str(SyncSecrets("a key", "a password")) == "SyncSecrets()"


def none(name: str, value: str) -> bool:
    return False


def found(home: Path) -> SyncSecrets:
    return find_secrets(home, environment={}, keyring=lambda name: "")


def test_secrets_are_kept_in_the_key_store_where_there_is_one(tmp_path: Path) -> None:
    store: dict[str, str] = {}

    def keep(name: str, value: str) -> bool:
        store[name] = value
        return True

    words = keep_secrets(tmp_path, SyncSecrets(PUBLIC, "new one"), environment={}, keyring=keep)
    assert words == "kept in the key store of the system"
    assert store == {"sync_key": PUBLIC, "sync_password": "new one"}
    assert not (tmp_path / "secrets.toml").exists()


def test_without_a_key_store_they_are_kept_in_a_file_of_the_owner_alone(tmp_path: Path) -> None:
    odd = 'a "quoted" \\ one\tü\x7f'
    path = tmp_path / "secrets.toml"
    assert str(path) in keep_secrets(tmp_path, SyncSecrets(PUBLIC, odd), environment={}, keyring=none)
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    assert (found(tmp_path).key, found(tmp_path).password) == (PUBLIC, odd)


def test_what_is_not_typed_stays_as_it_is_and_so_does_the_rest_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, f'# of ours\nsync_key = "{PUBLIC}"\nsync_password = "old"\nother = "kept"\n')
    keep_secrets(tmp_path, SyncSecrets("", "new"), environment={}, keyring=none)
    assert (found(tmp_path).key, found(tmp_path).password) == (PUBLIC, "new")
    text = path.read_text("utf-8")
    assert "# of ours" in text
    assert 'other = "kept"' in text
    assert "old" not in text
    assert keep_secrets(tmp_path, SyncSecrets("", ""), environment={}, keyring=none) == "nothing new to keep"


def test_a_variable_that_comes_before_the_file_is_said(tmp_path: Path) -> None:
    environment = {"PUMPWATCH_SYNC_PASSWORD": "x"}
    words = keep_secrets(tmp_path, SyncSecrets(PUBLIC, "new"), environment=environment, keyring=none)
    assert words.endswith("PUMPWATCH_SYNC_PASSWORD of the environment comes first")


def test_a_secret_key_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="passes over row-level security"):
        keep_secrets(tmp_path, SyncSecrets("sb_secret_abc", "x"), environment={}, keyring=none)
    assert list(tmp_path.iterdir()) == []
    write(tmp_path, "no TOML", 0o600)
    with pytest.raises(InputError, match="is not TOML"):
        keep_secrets(tmp_path, SyncSecrets(PUBLIC, "x"), environment={}, keyring=none)
