"""The ONNX graph of the autoencoder, built by hand from its weights. Used when a bundle is made; needs `onnx`.

Eight nodes and a dynamic batch. The exporters of Keras give a slower graph or a wrong one, hence by hand.
"""

from dataclasses import astuple, fields

import onnx
from onnx import TensorProto, helper

from pumpwatch_gui.infer.network.numpy_forward import WEIGHTS_FILE, Weights

OPSET = 17


def build(weights: Weights, *, window: int) -> bytes:
    """The model as bytes; input `window` (b, w, n), output `reconstruction` (b, w, n), both float32.

    The weights stay outside, in `weights.bin` next to the model as `Weights.to_bytes` lays them out, so that numpy
    and the runtime read the same bytes.
    """
    sensors, units = weights.output.shape[1], weights.output.shape[0]
    shape = ["batch", window, sensors]
    graph = helper.make_graph(
        _nodes(units),
        "lstm_autoencoder",
        [helper.make_tensor_value_info("window", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("reconstruction", TensorProto.FLOAT, shape)],
        [*_constants(window), *_external(weights)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def _nodes(units: int) -> list[onnx.NodeProto]:
    node = helper.make_node
    return [
        node("Transpose", ["window"], ["by_time"], perm=[1, 0, 2]),
        node("LSTM", ["by_time", "encoder_input", "encoder_hidden", "encoder_bias"], ["", "code"], hidden_size=units),
        node("Expand", ["code", "repeat"], ["repeated"]),
        node("LSTM", ["repeated", "decoder_input", "decoder_hidden", "decoder_bias"], ["track"], hidden_size=units),
        node("Squeeze", ["track", "direction"], ["flat"]),
        node("MatMul", ["flat", "output"], ["product"]),
        node("Add", ["product", "output_bias"], ["sum"]),
        node("Transpose", ["sum"], ["reconstruction"], perm=[1, 0, 2]),
    ]


def _constants(window: int) -> list[onnx.TensorProto]:
    return [
        helper.make_tensor("repeat", TensorProto.INT64, [3], [window, 1, 1]),
        helper.make_tensor("direction", TensorProto.INT64, [1], [1]),
    ]


def _external(weights: Weights) -> list[onnx.TensorProto]:
    """One tensor for each field, pointing into the weights file."""
    tensors, offset = [], 0
    for field, array in zip(fields(weights), astuple(weights), strict=True):
        tensor = onnx.TensorProto(name=field.name, data_type=TensorProto.FLOAT, dims=_dims(field.name, array.shape))
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", WEIGHTS_FILE), ("offset", offset), ("length", array.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        tensors.append(tensor)
        offset += array.nbytes
    return tensors


def _dims(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The LSTM operator wants a leading dimension for the direction."""
    return shape if name.startswith("output") else (1, *shape)
