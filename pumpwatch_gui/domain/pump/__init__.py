"""What a pump is: sensors, limits, nameplate, running."""
