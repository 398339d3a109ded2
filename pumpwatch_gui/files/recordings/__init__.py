"""Recordings: samples of one pump in a text file, read whole however it is written, with notes of what was wrong."""
