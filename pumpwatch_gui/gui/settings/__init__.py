"""The settings and limits dialogs."""
