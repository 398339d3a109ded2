"""Pump: one pump in full."""

from pumpwatch_gui.gui.page import Page


class PumpPage(Page):
    """One pump."""

    key = "pump"
