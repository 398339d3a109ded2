"""Setting up the sync with a server: where to, as whom, what; tested before it is saved; and switching it off."""

from functools import partial

from PySide6.QtWidgets import QCheckBox, QGridLayout, QLineEdit, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.sync_setup import daily_volume, keep_typed, kept_secrets, try_sync, typed_settings
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.site_changes import SetSync
from pumpwatch_gui.domain.sync import STREAM_WORDS, USUAL_STREAMS, SyncSettings, SyncStream
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.forms.site_dialog import SiteDialog
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.widgets import Panel, Question, ask_first, button, label
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.sync.trial_panel import Job, TrialPanel

_FIELDS = (
    ("url", "Server", "https://PROJECT.supabase.co"),
    ("auth_url", "Accounts", "left out for Supabase; else the address of its /auth/v1"),
    ("account", "Account", "station7@example.org"),
    ("password", "Password", ""),
    ("key", "Publishable key", ""),
)
NEW, KEPT = "none is kept yet", "as it is kept; type another to change it"


class SyncSetupDialog(SiteDialog):
    """What is saved goes to the site file by an order; the secrets go to the key store or a file of this user alone."""

    def __init__(self, context: PageContext, parent: QWidget | None = None) -> None:
        super().__init__(context, (1040, 540), parent)
        self.fields: dict[str, QLineEdit] = {}
        self.streams: dict[SyncStream, QCheckBox] = {}
        self._kept = False, False
        self._new: SyncSettings | None = None
        self.trial = TrialPanel(context, self._trial)
        self.off = button("Switch off…", "Switch the sync off, after a question", self.ask_off)
        words = label(
            "A station can send to a Supabase project or to a PostgreSQL of the plant behind PostgREST. The side "
            "of the server is made by the command pumpwatch server-sql --apply; Help (F1) says more.", "dim"
        )  # fmt: skip
        words.setWordWrap(True)
        body = hbox((self._form(), 1), (self._choices(), 1), spacing=20)
        self.lay_out(words, body, self.trial, None, more=(self.off,))
        self.show_site()
        self.fields["url"].setFocus()
        self._look_for_secrets()

    def _form(self) -> QWidget:
        form = QWidget()
        grid = QGridLayout(form)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for row, (key, name, hint) in enumerate(_FIELDS):
            field = self.fields[key] = QLineEdit()
            field.setAccessibleName(name)
            field.setPlaceholderText(hint)
            words = label(name)
            words.setBuddy(field)
            grid.addWidget(words, row, 0)
            grid.addWidget(field, row, 1)
        grid.setRowStretch(len(_FIELDS), 1)
        for key in ("password", "key"):
            self.fields[key].setPlaceholderText("looking for what is kept…")
        self.fields["password"].setEchoMode(QLineEdit.EchoMode.Password)
        return form

    def _choices(self) -> QWidget:
        panel = Panel(self.context.appearance, "What is sent")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        site = self.context.station.site()
        for row, (stream, name) in enumerate(STREAM_WORDS.items()):
            box = self.streams[stream] = QCheckBox(name[:1].upper() + name[1:])
            volume = label(daily_volume(stream, site), "dim")
            box.setAccessibleDescription(volume.text())
            grid.addWidget(box, row, 0)
            grid.addWidget(volume, row, 1)
        panel.body.addLayout(grid)
        panel.body.addStretch(1)
        return panel

    # ---------------------------------------------------------------- what is there

    @override
    def show_site(self) -> None:
        """Fill the fields from the site as it is now."""
        settings = self.context.station.site().sync
        for key in ("url", "auth_url", "account"):
            self.fields[key].setText(getattr(settings, key) if settings else "")
        for stream, box in self.streams.items():
            box.setChecked(stream in (settings.streams if settings else USUAL_STREAMS))
        self.off.setVisible(settings is not None)

    def _look_for_secrets(self) -> None:
        self.context.ask(partial(kept_secrets, self.context.home.path), self._show_kept, self._not_kept)

    def _show_kept(self, found: tuple[bool, bool]) -> None:
        self._kept = found
        for key, is_kept in zip(("password", "key"), found, strict=True):
            self.fields[key].setPlaceholderText(KEPT if is_kept else NEW)

    def _not_kept(self, error: Exception) -> None:
        self._show_kept((False, False))
        self.trouble.warn(error_text(error))

    @override
    def is_edited(self) -> bool:
        """Whether anything is typed or chosen that is not saved."""
        settings = self.context.station.site().sync
        was = (settings.url, settings.auth_url, settings.account) if settings else ("", "", "")
        chosen = settings.streams if settings else USUAL_STREAMS
        return (
            any(self._text(key) != text for key, text in zip(("url", "auth_url", "account"), was, strict=True))
            or bool(self._text("password") or self._text("key"))
            or self._chosen() != chosen
        )

    def _text(self, key: str) -> str:
        return self.fields[key].text().strip()

    def _chosen(self) -> frozenset[SyncStream]:
        return frozenset(stream for stream, box in self.streams.items() if box.isChecked())

    def _settings(self) -> SyncSettings:
        return typed_settings(self._text("url"), self._text("auth_url"), self._text("account"), self._chosen())

    # ---------------------------------------------------------------- testing, saving, switching off

    def _trial(self) -> Job:
        settings, station = self._settings(), self.context.station.site().station
        home, key, password = self.context.home.path, self._text("key"), self._text("password")
        return lambda cancelled: try_sync(home, settings, station, key=key, password=password, cancelled=cancelled)

    @override
    def save(self) -> None:
        """Keep the secrets that were typed, then order the settings."""
        key, password = self._text("key"), self._text("password")
        try:
            self._new = self._settings()
            if not (password or self._kept[0]):
                raise InputError(
                    "the password of the account is missing", "type it; it is not written to the site file"
                )
        except InputError as error:
            self.trouble.warn(error_text(error))
            return
        self.hold(True)
        self.trouble.say("Saving…")
        self.context.ask(
            partial(keep_typed, self.context.home.path, key, password), self._secrets_kept, self._not_saved
        )

    def _secrets_kept(self, where: str) -> None:
        self.trouble.say("")
        self.hold(False)
        self.fields["password"].clear()
        self.fields["key"].clear()
        self._look_for_secrets()
        self.order((SetSync(self._new),))

    def _not_saved(self, error: Exception) -> None:
        self.hold(False)
        self.trouble.warn(error_text(error))

    def ask_off(self) -> None:
        """Ask, then order that nothing be sent any longer."""
        more = "Nothing further is sent, or kept to be sent. What waits stays, and what is on the server."
        question = Question("Switch the sync off?", more, yes="Switch off", no="Go on sending")
        ask_first(self, question, lambda: self.order((SetSync(None),)))
