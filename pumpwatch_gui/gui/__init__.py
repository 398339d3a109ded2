"""What people see: the only Qt."""
