"""Looking for devices: units, ports, speeds, serial adapters; one trial connection."""
