"""Overview: every pump at a glance, in plant order."""

from pumpwatch_gui.gui.page import Page


class OverviewPage(Page):
    """Tiles in plant order."""

    key = "overview"
