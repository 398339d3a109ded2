"""The sounds of alarms."""
