"""Reports: what is scheduled, a preview of the pages, and making them now."""
