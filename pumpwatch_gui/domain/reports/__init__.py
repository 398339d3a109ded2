"""What a report of a station holds: its period, its figures, its tables and charts."""
