"""The filters above a table: by words, and by pump."""

from PySide6.QtWidgets import QComboBox, QLineEdit, QToolButton

from pumpwatch_gui.domain.site import Site


def text_filter(what: str, *, width: int) -> QLineEdit:
    """A field for words; `what` says in which columns they are looked for, `width` is the least one in px."""
    field = QLineEdit()
    field.setPlaceholderText(f"Filter: {what}")
    field.setAccessibleName(f"Filter by {what}")
    field.setMinimumWidth(width)
    offer_clear(field, "Clear the filter")
    return field


def offer_clear(field: QLineEdit, name: str) -> None:
    """Give a field a button that empties it, called `name`."""
    field.setClearButtonEnabled(True)
    for clear in field.findChildren(QToolButton):
        clear.setAccessibleName(name)


def pump_filter(site: Site) -> QComboBox:
    """A choice of one pump of the site; the first entry is all of them."""
    box = QComboBox()
    box.setAccessibleName("Filter by pump")
    box.addItems(["all pumps", *(pump.pump_id for pump in site.pumps)])
    return box
