"""What explains the program: help pages, the list of keys, versions and diagnostics."""
