"""The home of one installation: where settings, database, logs and models lie."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.files.shipped import user_path


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one installation; `PUMPWATCH_HOME` or `--home` names it, else the platform's data folder."""

    path: Path

    @property
    def site_file(self) -> Path:
        """The site that opens when none is given."""
        return self.path / "site.toml"

    @property
    def database(self) -> Path:
        """The local history."""
        return self.path / "pumpwatch.db"

    @property
    def models(self) -> Path:
        """The folder of the models made here."""
        return self.path / "models"

    @property
    def learnt(self) -> Path:
        """What was learnt of devices."""
        return self.path / "learnt.json"

    @property
    def logs(self) -> Path:
        """The folder of the rotating logs and crash reports."""
        return self.path / "logs"

    @property
    def imports(self) -> Path:
        """The folder of readings of other systems that wait to be taken over."""
        return self.path / "imports"

    @property
    def acts(self) -> Path:
        """The folder of what was done to this home from outside and is not in the audit log yet."""
        return self.path / "acts"

    @property
    def settings(self) -> Path:
        """What the windows remember (layout, theme)."""
        return self.path / "window.ini"

    @property
    def restoring(self) -> Path:
        """Marks that files of a backup are being put here: where it is left, some are in place and some are not."""
        return self.path / "restoring"

    def begun(self) -> bool:
        """Mark that a run has begun; whether the one before did not come to its end."""
        mark = self.path / "running"
        unclean = mark.exists()
        with suppress(OSError):  # of another user, after one run with sudo: the run goes on
            mark.touch(0o600)
        return unclean

    def ended(self) -> None:
        """Mark that the run has come to its end."""
        with suppress(OSError):
            (self.path / "running").unlink(missing_ok=True)

    def need_history(self) -> None:
        """Raise InputError when there is no history here."""
        if not self.database.exists():
            raise InputError(f"there is no history in {self.path}", "name the home with --home DIR or PUMPWATCH_HOME")

    def prepare(self) -> None:
        """Make the folders; raises InputError with advice when the home cannot be written (the logs need not be)."""
        try:
            is_new = not self.path.exists()
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the home folder {self.path} cannot be used: {error.strerror}",
                "choose another with --home DIR or PUMPWATCH_HOME, or correct its permissions",
            ) from error
        if not os.access(self.path, os.W_OK):
            raise InputError(
                f"the home folder {self.path} is read-only", "choose another with --home DIR or correct its permissions"
            )
        with suppress(OSError):
            self.logs.mkdir(mode=0o700, exist_ok=True)
        if is_new or self._is_ours():
            make_private(self.path)

    def _is_ours(self) -> bool:
        """Whether this folder is a home and nothing else: another, such as a shared one, keeps its permissions."""
        has_mark = any(path.exists() for path in (self.database, self.site_file, self.settings, self.models))
        return has_mark and not self.path.stat().st_mode & stat.S_ISVTX


def make_private(home: Path) -> None:
    """Let only the owner into a home, and to the database, logs, models and settings in it. Never raises.

    What a person exports is not touched: it goes where that person says, with the permissions of that place.
    """
    own = ("pumpwatch.db*", "*.damaged-*", "*.jsonl*", "site.toml*", "window.ini", "running", "secrets.toml",
           "gateway-*.json", "logs/*", "models/**/*", "imports", "imports/*", "acts",
           "acts/*")  # fmt: skip
    with suppress(OSError):
        home.chmod(0o700)
        for path in (path for pattern in own for path in home.glob(pattern)):
            with suppress(OSError):  # of another user, after one run with sudo
                path.chmod(0o700 if path.is_dir() else 0o600)


def find_home(given: str | None) -> Home:
    """The home named on the command line, else by `PUMPWATCH_HOME`, else the platform's place for such data."""
    named = given or os.environ.get("PUMPWATCH_HOME")
    return Home(user_path(named).resolve() if named else platformdirs.user_data_path("PumpWatch", False))
