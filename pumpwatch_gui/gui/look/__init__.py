"""Colours, fonts, icons and the painted shapes everything is drawn from."""
