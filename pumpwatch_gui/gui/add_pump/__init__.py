"""Adding a pump step by step, and the first page of a new station."""
