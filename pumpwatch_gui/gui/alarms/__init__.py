"""The Alarms page, and the dialogs that hide an alarm for a reason."""
