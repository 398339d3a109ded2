"""The kinds of detector and what they are made of."""
