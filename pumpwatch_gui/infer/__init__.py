"""window → Detection."""
