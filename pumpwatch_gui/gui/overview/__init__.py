"""The Overview page: every pump at a glance."""
