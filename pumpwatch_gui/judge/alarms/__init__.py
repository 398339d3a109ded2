"""The alarm desk."""
