"""Everything → disk: the only SQL."""
