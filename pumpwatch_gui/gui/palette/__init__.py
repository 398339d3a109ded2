"""The command palette: everything there is to open or to do, found by a few letters."""
