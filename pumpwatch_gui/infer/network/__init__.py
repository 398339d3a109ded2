"""The LSTM autoencoder: ONNX Runtime, NumPy, and the graph built by hand."""
