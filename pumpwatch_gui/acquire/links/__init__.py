"""Links and lines: who is scanned when, over which connection, and where the frames go."""
