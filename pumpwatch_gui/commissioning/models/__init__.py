"""Models of a pump: material, training, back-test, what is stored."""
