"""The Events page: open alarms and the journal."""
