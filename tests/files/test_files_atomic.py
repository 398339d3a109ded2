"""A file is written whole or not at all, and nothing is left lying about."""

import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from pumpwatch_gui.files.atomic import atomic_file, atomic_text, check_writable, write_atomic, write_folder_atomic


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert (path.read_bytes(), names(tmp_path)) == (b"two", ["a.json"])


def test_text_keeps_the_line_ends_it_was_written_with(tmp_path: Path) -> None:
    with atomic_text(tmp_path / "a.csv") as file:
        file.write("é\r\nb\n")
    assert (tmp_path / "a.csv").read_bytes() == "é\r\nb\n".encode()


def test_an_error_half_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_text(path) as file:
        file.write(f"half {1 / 0}")
    assert (path.read_text(), names(tmp_path)) == ("old", ["a.csv"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full")
def test_a_full_disk_is_an_error_and_a_device_is_written_as_it_is() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_atomic(Path("/dev/full"), b"x" * 100_000)
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)  # noqa: PTH116


def test_the_disk_is_asked_to_keep_the_file_before_it_takes_the_place_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    seen: list[tuple[bool, bytes]] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        seen.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.read_bytes()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write_atomic(path, b"new")
    assert seen == [(False, b"old"), (True, b"new")]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and links")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"old")
    (tmp_path / "real" / "a").chmod(0o640)
    (tmp_path / "a").symlink_to(tmp_path / "real" / "a")
    write_atomic(tmp_path / "a", b"new")
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "real" / "a").stat().st_mode) == 0o640


def test_two_writers_at_once_never_mix_their_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    contents = [bytes([n]) * 50_000 for n in range(4)]

    def write(content: bytes) -> None:
        for _ in range(20):
            write_atomic(path, content)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["a"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "no" / "a") as file:
        file.write(b"x")


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    write_folder_atomic(tmp_path / "m", {"a": b"1", "b": b"2"})
    write_folder_atomic(tmp_path / "m", {"a": b"3"})
    assert names(tmp_path) == ["m"]
    assert {p.name: p.read_bytes() for p in (tmp_path / "m").iterdir()} == {"a": b"3"}


def test_a_folder_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    write_folder_atomic(tmp_path / "m", {"a": b"1"})
    with pytest.raises(OSError, match="no/such"):
        write_folder_atomic(tmp_path / "m", {"a": b"2", "no/such": b"3"})
    assert names(tmp_path) == ["m"]
    assert (tmp_path / "m" / "a").read_bytes() == b"1"


def test_whether_a_file_can_be_written_is_found_without_changing_anything(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    check_writable(tmp_path / "old")
    check_writable(tmp_path / "new")
    assert (names(tmp_path), (tmp_path / "old").read_text()) == (["old"], "old")
    for path in (tmp_path, tmp_path / "no" / "file", tmp_path / "old" / "file"):
        with pytest.raises(OSError, match=r".") as caught:
            check_writable(path)
        assert caught.value.strerror


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX pipes")
def test_a_pipe_without_a_reader_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a pipe"):
        check_writable(tmp_path / "pipe")
