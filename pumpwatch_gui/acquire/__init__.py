"""wire → Frame."""
