"""Readings as compressed columns: from the rows of the last hours to days, and to rollups of a minute and an hour."""
