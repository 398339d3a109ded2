"""Item models and lists that several pages share."""
