"""Post-training quantisation of a torch model, as torchao has it for the CPU.

https://docs.pytorch.org/ao/stable/pt2e_quantization/pt2e_quant_x86_inductor.html
Knows no framework: torch itself is passed in.
"""

from pathlib import Path
from typing import Any

from common.engines.int8 import CALIBRATING, full_batches, has_vnni
from common.engines.onnx_runtime import require_packages


def quantized_model(torch: Any, model: Any, *, calibration: Path, batch_size: int) -> Any:
    """The model with its convolutions and linear layers in int8, calibrated on a file's images.

    Raises UnavailableError, with the pip line, without torchao.
    """
    require_packages(["torchao"])
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    images = full_batches(calibration, CALIBRATING, size=batch_size)
    batches = [torch.from_numpy(batch) for batch in images]
    # strict: the quantiser knows a module that is called twice by the names that this tracer gives.
    exported = torch.export.export(model, (batches[0],), strict=True).module()
    config = x86.get_default_x86_inductor_quantization_config(reduce_range=not has_vnni())
    prepared = prepare_pt2e(exported, x86.X86InductorQuantizer().set_global(config))
    for batch in batches:
        prepared(batch)
    return convert_pt2e(prepared)
