"""Use cases without Qt that the window and the command line share."""
