"""Alarms, their states, delays and episodes."""
