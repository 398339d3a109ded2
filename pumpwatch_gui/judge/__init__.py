"""Frame + Detection → alarms, run state, health."""
