"""What stands in the cells of a recording: numbers with their marks and units, dates and times."""
