"""What a device has shown of itself, and the requests that follow from it."""
