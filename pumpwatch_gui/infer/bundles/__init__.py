"""Model bundles on disk: manifest, checks, card, registry."""
