"""The Devices page: links, traffic, registers, scans, plausibility."""
