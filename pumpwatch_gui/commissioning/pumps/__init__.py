"""Adding and changing pumps: drafts, register maps, profiles, plausibility."""
