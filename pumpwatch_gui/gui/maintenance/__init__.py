"""The Maintenance page: what work there is by risk, and what becomes of it."""
