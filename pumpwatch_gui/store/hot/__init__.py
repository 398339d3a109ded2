"""The one writer and what keeps its database sound."""
