"""Engine of a model that paddle saved: paddle.inference, or an ONNX file.

On the CPU that engine is oneDNN, on a GPU TensorRT where paddle has it.
Knows no framework: paddle's own module is passed in, or a stand-in where there is no GPU.
"""

from pathlib import Path
from typing import Any

from common.engines.engine import Operation
from common.engines.int8 import INT8
from common.runtime.devices import gpu_number

FIRST_GPU_MEMORY = 256  # MiB; paddle takes more when it needs it


def load_predictor(inference: Any, model: Path, *, precision: str, device: str, threads: int | None) -> Any:
    """A predictor for the graph saved as ``model``; ``inference`` is ``paddle.inference``.

    Memory optimisation stays off: in paddle 3.3 it fails ("Not find predictor_id 0 and pass_name").
    """
    config = inference.Config(*saved(model))
    config.disable_glog_info()
    if device == "cpu":
        config.disable_gpu()
        config.set_cpu_math_library_num_threads(threads)
        config.enable_mkldnn()
        if precision == "bf16":
            config.enable_mkldnn_bfloat16()
        if precision == INT8:
            config.enable_new_ir(False)  # the passes that look for int8 know the earlier programs alone
            config.enable_mkldnn_int8()
    else:
        config.enable_use_gpu(FIRST_GPU_MEMORY, gpu_number(device))
        if any(inference.get_trt_compile_version()):
            config.enable_tensorrt_engine(precision_mode=_tensorrt_precision(inference, precision))
    return inference.create_predictor(config)


def saved(model: Path) -> tuple[str, str]:
    """The files of a model that ``paddle.jit.save`` wrote: its graph (.json, or .pdmodel), its weights."""
    graph = next(path for suffix in (".json", ".pdmodel") if (path := model.with_suffix(suffix)).exists())
    return str(graph), str(model.with_suffix(".pdiparams"))


def convert_to_onnx(model: Path, target: Path) -> None:
    """Turn what ``paddle.jit.save`` saved as ``model`` into an ONNX file, which alone is shipped."""
    from paddle2onnx import export

    # No optimising: its tools install packages by themselves, and ONNX Runtime optimises what it loads.
    files = saved(model)
    export(*files, str(target), optimize_tool=None)
    for file in files:
        Path(file).unlink()


def program_operations(program: Any) -> list[Operation]:
    """The operations of a compiled paddle program, with the dtypes of their results."""
    block = program.global_block()
    return [found for operation in block.ops for found in _of_program(block, operation)]


def _of_program(block: Any, operation: Any) -> list[Operation]:
    """An operation as paddle 3 has it, or paddle 2, where results are variables of the block, by name."""
    if hasattr(operation, "num_results"):
        name, results = operation.name(), [operation.result(0)] if operation.num_results() else []
    else:
        names = operation.output_arg_names[:1]
        name, results = operation.type, [block.var(one) for one in names if block.has_var(one)]
    return [Operation(name, str(result.dtype).rpartition(".")[2].lower()) for result in results]


def _tensorrt_precision(inference: Any, precision: str) -> Any:
    names = {"fp16": "Half", "bf16": "Bfloat16"}
    return getattr(inference.PrecisionType, names.get(precision, "Float32"))
