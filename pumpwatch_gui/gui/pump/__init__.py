"""The Pump page: one pump in full."""
