"""What the benchmarks run on: peers, plants, a station, a real window."""
