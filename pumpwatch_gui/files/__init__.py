"""Files: shipped resources, the home folder, recordings, register maps."""
