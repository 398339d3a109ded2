"""Window → Detection: ring buffer, windows, detectors on ONNX Runtime, bundles, training, recordings scored."""
