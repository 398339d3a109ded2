"""The models of the pumps while they run: scoring, learning, shadow, promotion."""
