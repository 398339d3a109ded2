"""Maintenance events: what work an alarm or a plan asks for, what it is expected to cost, and what became of it."""
