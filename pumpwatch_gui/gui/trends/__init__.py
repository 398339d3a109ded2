"""The Trends page: any quantities of any pumps over any time."""
