"""Export of stored readings and of the original's tables, for other programs."""
