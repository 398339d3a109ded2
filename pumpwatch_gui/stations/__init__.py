"""Stations that live in another program: a window joins a collector of the same home and user."""
