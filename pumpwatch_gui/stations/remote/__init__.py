"""Stations seen through a server: what they show and what is stored of them, read-only. Loaded only by a viewer."""
