"""Recordings scored by the live path, back-tests, protocols and their metrics."""
