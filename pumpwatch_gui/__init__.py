"""PumpWatch: a desktop SCADA program for rooms that watch 1 to 50 pumps."""

__version__ = "0.1.0"
