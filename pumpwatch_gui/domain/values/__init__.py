"""Values that flow: quality, frames, traces, latencies."""
