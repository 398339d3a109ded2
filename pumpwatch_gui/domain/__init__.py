"""What things are: the values that flow from the wire to the screen. Standard library and NumPy only."""
