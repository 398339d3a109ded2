"""The window around the pages: top bar, navigation, status line, threads."""
