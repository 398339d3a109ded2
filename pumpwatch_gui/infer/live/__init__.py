"""The live path: ring buffer, windows, scorer."""
