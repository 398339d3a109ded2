"""Alarm rules of an engineer: their list, the form of one, and its trial on the past."""
