"""Readings of other systems: how they are read, and their way into the history."""
