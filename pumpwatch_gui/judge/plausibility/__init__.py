"""Whether the readings of a pump can be those of a pump."""
