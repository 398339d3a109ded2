"""A pump learns itself: its own running as material, a control chart fitted to it, and when it may judge."""
