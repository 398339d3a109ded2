"""The site file: read, check all, keep the good, back up the bad, save whole."""
