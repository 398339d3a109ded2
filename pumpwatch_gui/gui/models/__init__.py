"""The Models page: training, back-test, shadow, promotion."""
