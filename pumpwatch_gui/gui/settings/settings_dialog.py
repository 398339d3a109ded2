"""Settings: the station, its pumps and their links, saved to the site file as a whole."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLineEdit,
    QListWidget,
    QScrollArea,
    QTabWidget,
    QWidget,
)
from typing_extensions import override

from pumpwatch_gui.commissioning.pumps.edit_site import (
    PumpDraft,
    drafts_of,
    free_id,
    shown_changes,
    site_changes,
    station_of,
)
from pumpwatch_gui.commissioning.pumps.profiles import model_names, profile_names
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import DriverConfig, setting_label
from pumpwatch_gui.domain.site_changes import SetStation
from pumpwatch_gui.domain.units import CHOICES, UnitChoice
from pumpwatch_gui.domain.wording import error_text, unit_text
from pumpwatch_gui.gui.forms.history import History
from pumpwatch_gui.gui.forms.link_box import LinkBox
from pumpwatch_gui.gui.forms.site_dialog import SiteDialog, undo_buttons
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.widgets import NumberBox, Panel, WholeBox, button, label
from pumpwatch_gui.gui.settings.review_dialog import ReviewDialog
from pumpwatch_gui.gui.settings.setting_search import Setting, SettingSearch
from pumpwatch_gui.gui.settings.sound_panel import SoundPanel
from pumpwatch_gui.gui.shell.page import PageContext

_State = tuple[SetStation, tuple[PumpDraft, ...], int]
"""The station's fields, the pumps, which of them is chosen."""


class SettingsDialog(SiteDialog):
    """Station above, pumps at the left, the chosen pump at the right. Nothing changes before Save, which lists it."""

    def __init__(self, context: PageContext, pump_id: str = "", parent: QWidget | None = None) -> None:
        super().__init__(context, (1180, 840), parent)
        self._folder = context.station.site().folder or context.site_file.parent
        self._drafts: list[PumpDraft] = []
        self._at = -1
        self.undo, self.redo = undo_buttons(self, self._step)
        self.links: list[LinkBox] = []
        self._make_station()
        body = hbox(self._make_list(), (self._make_pump(), 1), spacing=12)
        self.sound = SoundPanel(context)
        rules = button("Alarm rules…", "Alarm rules of several terms, rates and deviations", self.open_rules)
        sync = button("Sync…", "Set up the sync with a server", partial(context.open_dialog, "sync-setup", "", self))
        self.search = SettingSearch(context.appearance, self._settings)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.field.setFocus)
        head = hbox((self.search, 1), self.sound, spacing=12)
        self.lay_out(self._station, (body, 1), head=head, more=(rules, sync, self.undo, self.redo))
        self._saved: _State = (SetStation("", 1, ""), (), -1)
        self._history = History[_State](self._saved)
        for field in self.content.findChildren(QLineEdit):  # boxes of numbers and of typed choices have one
            field.textChanged.connect(self._allow_undo)
        for box in self.units.values():
            box.currentIndexChanged.connect(self._allow_undo)
        self._show_site(pump_id)

    @override
    def show_site(self) -> None:
        self._show_site(self._drafts[self._at].was if self._at >= 0 else "")

    def _show_site(self, pump_id: str) -> None:
        site = self.context.station.site()
        self._show_station(station_of(site))
        self._drafts, self._at = drafts_of(site), -1
        self._fill_list()
        if not self._drafts:
            self.add_pump()
        self.list.setCurrentRow(next((i for i, d in enumerate(self._drafts) if d.was == pump_id), 0))
        self._store()
        self._saved = self._state()
        self._history = History(self._saved)
        self._offer_undo()

    def open_rules(self) -> None:
        """Show the alarm rules above the settings."""
        self.context.open_dialog("rules", self._drafts[self._at].was if self._at >= 0 else "", self)

    # ---------------------------------------------------------------- building

    def _make_station(self) -> None:
        self._station = Panel(self.context.appearance, "Station")
        self.site_name, self.currency, self.station = QLineEdit(), QLineEdit(), WholeBox()
        self.station.setRange(1, 1023)
        self.history_gb = NumberBox(0.0, 100_000.0, 100.0, decimals=1)
        self.history_gb.setAccessibleName("History at most, gigabytes")
        self.history_gb.setSpecialValueText("no bound")
        self.history_gb.setToolTip("Beyond it the oldest raw readings are deleted; an alarm says so 60 days before")
        self.energy_price = NumberBox(0.0, 1e6, 0.0, decimals=4)
        self.energy_price.setAccessibleName("Price of a kWh")
        self.energy_price.setSpecialValueText("none")
        self.energy_price.setToolTip("In the currency of the station: what the energy in the reports costs")
        for words, field in (("name", self.site_name), ("number", self.station), ("currency", self.currency)):
            field.setAccessibleName(f"Station {words}")
        row = (label("Name"), (self.site_name, 3), label("Number"), self.station, label("Currency"), (self.currency, 1),
               label("History at most, GB"), self.history_gb, label("Price of a kWh"), self.energy_price)  # fmt: skip
        self._station.body.addLayout(hbox(*row))
        self.units = {kind: QComboBox() for kind in CHOICES}
        for kind, box in self.units.items():
            box.setAccessibleName(f"{kind.capitalize()} shown in")
            box.setToolTip("What is shown only; each user may choose another in the menu")
            for unit in ("", *CHOICES[kind]):
                box.addItem(unit_text(unit) or "tag's own", unit)
        boxes = (part for kind, box in self.units.items() for part in (label(kind.capitalize(), "dim"), (box, 1)))
        self._station.body.addLayout(hbox(label("Shown in"), *boxes))

    def _make_list(self) -> Panel:
        self.list = QListWidget()
        self.list.setAccessibleName("Pumps")
        self.list.setMinimumWidth(self.context.appearance.px(200))
        self.list.currentRowChanged.connect(self._choose)
        panel = Panel(self.context.appearance, "Pumps", self.list)
        buttons = (("Add", "Add a pump", self.add_pump), ("Copy", "Copy this pump", self.copy_pump),
                   ("Remove", "Remove this pump", self.remove_pump))  # fmt: skip
        panel.body.addLayout(hbox(*(button(*given) for given in buttons), spacing=6))
        return panel

    def _make_pump(self) -> Panel:
        panel = Panel(self.context.appearance, "Pump")
        self.pump_id, self.pump_name, self.area, self.duty = QLineEdit(), QLineEdit(), QLineEdit(), QLineEdit()
        self.area.setPlaceholderText("such as Boiler house")
        self.duty.setPlaceholderText("such as Feed water")
        self.profile, self.model = QComboBox(), QComboBox()
        self.profile.addItems(list(profile_names()))
        self.model.addItems(list(model_names()))
        form = QGridLayout()
        form.setVerticalSpacing(8)
        form.setHorizontalSpacing(12)
        fields = (("Id", self.pump_id), ("Name", self.pump_name), ("Area", self.area), ("Duty", self.duty),
                  ("Profile", self.profile), ("Model", self.model))  # fmt: skip
        self._pump_fields: tuple[tuple[str, QWidget], ...] = fields
        for i, (words, field) in enumerate(fields):  # two a row: the fields of the link need the room
            field.setAccessibleName(f"Pump {words.lower()}")
            form.addWidget(label(words), i // 2, i % 2 * 2)
            form.addWidget(field, i // 2, i % 2 * 2 + 1)
            form.setColumnStretch(i % 2 * 2 + 1, 1)
            if isinstance(field, QComboBox):
                field.setEditable(True)
                field.setToolTip("A shipped name, or the path of your own")
        panel.body.addLayout(form)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Links of the pump")
        panel.body.addWidget(self.tabs, 1)
        panel.body.addWidget(button("Add link", "Bind tags from one more device", lambda: self._add_link(None)))
        self.pump_id.textEdited.connect(lambda _: self._keep_label())
        self.pump_name.textEdited.connect(lambda _: self._keep_label())
        return panel

    # ---------------------------------------------------------------- undo

    def _state(self) -> _State:
        """What the dialog says: the station's fields, every pump, the chosen one."""
        units = UnitChoice(**{kind: str(box.currentData()) for kind, box in self.units.items()})
        station = SetStation(self.site_name.text(), self.station.value(), self.currency.text(), units,
                             self.history_gb.value(), self.energy_price.value())  # fmt: skip
        return station, tuple(self._drafts), self._at

    def _show_station(self, station: SetStation) -> None:
        self.site_name.setText(station.name)
        self.station.setValue(station.station)
        self.currency.setText(station.currency)
        self.history_gb.setValue(station.history_gb or 0.0)
        self.energy_price.setValue(station.energy_price or 0.0)
        for kind, box in self.units.items():
            box.setCurrentIndex(box.findData((station.units or UnitChoice()).of(kind)))

    def _keep(self) -> bool:
        """Keep what the fields say and remember it for Undo; False when a link does not hold."""
        is_stored = self._store()
        if is_stored:
            self._history.add(self._state())
        self._offer_undo()
        return is_stored

    def _step(self, by: int) -> None:
        if by < 0 and not self._keep():
            return
        station, drafts, at = self._history.step(by)
        self._show_station(station)
        self._drafts, self._at = list(drafts), -1
        self._fill_list()
        self.list.setCurrentRow(at)
        self._offer_undo()

    def _allow_undo(self) -> None:
        self.undo.setEnabled(True)  # what is typed now is not in the history yet

    def _offer_undo(self) -> None:
        self.undo.setEnabled(self._history.can_undo or self._state() != self._history.now)
        self.redo.setEnabled(self._history.can_redo)

    @override
    def is_edited(self) -> bool:
        return not self._keep() or self._history.now[:2] != self._saved[:2]

    # ---------------------------------------------------------------- the list

    def _fill_list(self) -> None:
        with QSignalBlocker(self.list):
            self.list.clear()
            self.list.addItems([f"{d.pump_id}  {d.name}" for d in self._drafts])

    def _keep_label(self) -> None:
        self.setWindowTitle(f"Settings · {self.pump_id.text()} {self.pump_name.text()}".rstrip())
        item = self.list.item(self._at)
        if item is not None:
            item.setText(f"{self.pump_id.text()}  {self.pump_name.text()}")

    def add_pump(self) -> None:
        """A fresh pump with the next free id."""
        self._keep()
        self._append(PumpDraft("", *free_id([d.pump_id for d in self._drafts])))

    def copy_pump(self) -> None:
        """The chosen pump once more, with the next free id."""
        if self._keep():
            taken = {d.pump_id for d in self._drafts}
            draft = self._drafts[self._at]
            new_id = next(f"{draft.pump_id}-{n}" for n in range(2, 1000) if f"{draft.pump_id}-{n}" not in taken)
            self._append(replace(draft, was="", pump_id=new_id))

    def remove_pump(self) -> None:
        """Take the chosen pump out (its history stays in the database)."""
        if self._at >= 0:
            self._keep()
            del self._drafts[self._at]
            row, self._at = self._at, -1
            self._fill_list()
            self.list.setCurrentRow(min(row, len(self._drafts) - 1))
            self._keep()

    def _append(self, draft: PumpDraft) -> None:
        self._drafts.append(draft)
        self._fill_list()
        self.list.setCurrentRow(len(self._drafts) - 1)
        self._keep()
        self.pump_id.setFocus()

    def _choose(self, row: int) -> None:
        if row == self._at or row < 0:
            return
        if self._at >= 0 and not self._keep():
            with QSignalBlocker(self.list):
                self.list.setCurrentRow(self._at)
            return
        self._at = row
        draft = self._drafts[row]
        self.pump_id.setText(draft.pump_id)
        self.pump_name.setText(draft.name)
        self.area.setText(draft.area)
        self.duty.setText(draft.duty)
        self.profile.setCurrentText(draft.profile)
        self.model.setCurrentText(draft.model)
        while self.links:
            self._take_out(self.links[0])
        for link in draft.links:
            self._add_link(link)
        self._keep_label()
        self._offer_undo()

    def _add_link(self, config: DriverConfig | None) -> None:
        box = LinkBox(
            config,
            ask=self.context.ask,
            profile_name=self._profile_name,
            folder=self._folder,
            running=self.context.running,
        )
        box.removed.connect(lambda: self._drop_link(box))
        box.edited.connect(self._allow_undo)
        self.links.append(box)
        scroll = QScrollArea()  # the fields of a link are higher than a small screen
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(box)
        self.tabs.addTab(scroll, f"Link {len(self.links)}")
        self.tabs.setCurrentWidget(scroll)
        self._allow_undo()

    def _drop_link(self, box: LinkBox) -> None:
        self._keep()
        self._take_out(box)
        self._keep()

    def _take_out(self, box: LinkBox) -> None:
        at = self.links.index(box)
        self.links.remove(box)
        scroll = self.tabs.widget(at)
        self.tabs.removeTab(at)
        if scroll is not None:
            scroll.deleteLater()
        for i in range(self.tabs.count()):
            self.tabs.setTabText(i, f"Link {i + 1}")

    def _profile_name(self) -> str:
        return self.profile.currentText().strip()

    def _store(self) -> bool:
        """Keep what the fields say; False, with the mistake shown, when a link does not hold."""
        if self._at < 0:
            return True
        links = tuple(box.value() for box in self.links)
        if None in links:
            self.tabs.setCurrentIndex(links.index(None))
            self.trouble.warn(f"{self.pump_id.text()}: correct the marked fields")
            return False
        self.trouble.warn("")
        self._drafts[self._at] = PumpDraft(
            self._drafts[self._at].was, self.pump_id.text().strip(), self.pump_name.text().strip(),
            self._profile_name(), self.model.currentText().strip(), links,
            self.area.text().strip(), self.duty.text().strip(),
        )  # fmt: skip
        return True

    # ---------------------------------------------------------------- saving

    @override
    def save(self) -> None:
        """List what differs from the site as it is now; once that was seen, order it."""
        if not self._store():
            return
        typed, site = self._state()[0], self.context.station.site()
        station = replace(typed, name=typed.name.strip(), currency=typed.currency.strip())
        try:
            changes = site_changes(site, station, self._drafts)
        except InputError as error:
            self.trouble.warn(error_text(error))
            return
        if not changes:
            self.order(())
            return
        listed = shown_changes(site, station, self._drafts)
        review = ReviewDialog(self.context.appearance, listed, partial(self.order, changes), self)
        review.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.context.appearance.dress(review)
        review.open()

    # ---------------------------------------------------------------- search

    def _settings(self) -> Iterator[Setting]:
        """Every setting there is: the station's, those of the chosen pump, then those of the others."""
        yield Setting("Station", "Name", "", lambda: self.site_name)
        yield Setting("Station", "Number", "", lambda: self.station)
        yield Setting("Station", "Currency", "money", lambda: self.currency)
        yield Setting("Station", "History at most, GB", "disk space retention", lambda: self.history_gb)
        yield Setting("Station", "Price of a kWh", "energy cost money", lambda: self.energy_price)
        for kind, box in self.units.items():
            words = f"units shown in {' '.join(map(unit_text, CHOICES[kind]))}"
            yield Setting("Station", f"{kind.capitalize()} shown in", words, partial(_same, box))
        yield Setting("Sound of alarms", "Volume", "loud", lambda: self.sound.slider)
        order = sorted(range(len(self._drafts)), key=lambda row: row != self._at)
        for row in order:
            yield from self._settings_of(row)

    def _settings_of(self, row: int) -> Iterator[Setting]:
        draft = self._drafts[row]
        place = f"{draft.pump_id} {draft.name}".strip()
        for words, field in self._pump_fields:
            yield Setting(place, words, "pump", partial(self._show_field, row, field))
        for at, link in enumerate(draft.links):
            for one in fields(link) if link is not None else ():
                words = setting_label(one)
                more = f"{one.name} {one.metadata.get('help', '')}"
                yield Setting(f"{place}, link {at + 1}", words, more, partial(self._show_link, row, at, one.name))

    def _show_field(self, row: int, field: QWidget) -> QWidget:
        self.list.setCurrentRow(row)
        return field

    def _show_link(self, row: int, at: int, name: str) -> QWidget:
        self.list.setCurrentRow(row)
        if at >= len(self.links):
            return self.list
        box = self.links[at]
        self.tabs.setCurrentIndex(at)
        if name in box.form.advanced:
            box.more.setChecked(True)
        return box.form.editors.get(name, box.driver)


def _same(field: QWidget) -> QWidget:
    return field
