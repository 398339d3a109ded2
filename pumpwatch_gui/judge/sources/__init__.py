"""What raises alarms: limits and detections."""
