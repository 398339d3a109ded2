"""Commissioning of detectors. `train` is the only module that knows TensorFlow."""
