"""Static quantisation of an ONNX file, as ONNX Runtime has it.

https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from common.engines.int8 import has_vnni
from common.engines.onnx_runtime import require_packages

LEAST_OPSET = 13  # whose DequantizeLinear has a scale for each channel; paddle2onnx writes 7


def quantize(path: Path, batches: Sequence[np.ndarray]) -> None:
    """Replace an ONNX file, and the file of its weights, by what it is in int8, in the QDQ format."""
    require_packages(["onnx"])
    import onnx
    import onnx.version_converter
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    model = onnx.load(str(path))
    if model.opset_import[0].version < LEAST_OPSET:
        model = onnx.version_converter.convert_version(model, LEAST_OPSET)
    name, waiting = model.graph.input[0].name, iter(batches)

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Batches one by one."""

        def get_next(self) -> dict[str, np.ndarray] | None:
            """The next, or None after the last."""
            batch = next(waiting, None)
            return None if batch is None else {name: batch}

    with TemporaryDirectory() as folder:
        whole, prepared = Path(folder) / "whole.onnx", Path(folder) / "prepared.onnx"
        onnx.save(model, str(whole))  # in one file: what prepares it looks for no other
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(str(prepared))
        for constant in [each for each in model.graph.input if each.name != name]:  # folded, and asked for
            model.graph.input.remove(constant)
        onnx.save(model, str(prepared))
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
        quantize_static(
            str(prepared),
            str(path),
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=not has_vnni(),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
