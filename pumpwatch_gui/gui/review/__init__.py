"""What a window shows of a review in place of what is live."""
