"""Looking at devices before and after they are pumps: links, scans, registers."""
