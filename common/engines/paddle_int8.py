"""Post-training quantisation of a model that paddle saved, for oneDNN.

https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/static/quantization/PostTrainingQuantization_en.html
Knows no framework: paddle itself is passed in.

What quantises and what runs int8 know the earlier programs (.pdmodel) alone. What ``paddle.quantization.PTQ``
saves, paddle.inference 3.3 does not run as a new program ("Tensor holds no memory"), and as an earlier one
it computes something else. So quantising has a process with its own flags.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common.cli import UnavailableError
from common.engines.int8 import CALIBRATING, full_batches

FLAGS = {"FLAGS_enable_pir_api": "0", "FLAGS_enable_pir_in_executor": "0"}
PROGRAM = f"import sys, paddle.static.quantization; from {__name__} import main; main(paddle, *sys.argv[1:])"
ROOT = Path(__file__).resolve().parents[2]
QUANTIZED = ("conv2d", "depthwise_conv2d", "mul", "matmul_v2")


def save_quantized(paddle: Any, model: Any, target: Path, *, example: Any, calibration: Path) -> None:
    """Save a model in int8 as ``target`` (without endings); ``example`` is an InputSpec of its images."""
    with TemporaryDirectory() as scratch, paddle.pir_utils.DygraphOldIrGuard():
        saved = Path(scratch) / target.name
        paddle.jit.save(model, str(saved), input_spec=[example])
        quantize(saved, target, calibration=calibration, batch_size=example.shape[0])


def quantize(saved: Path, target: Path, *, calibration: Path, batch_size: int) -> None:
    """Quantise the earlier program saved as ``saved`` into ``target`` (without endings).

    Raises UnavailableError with the last line of what went wrong.
    """
    arguments = [str(saved), str(target), str(calibration), str(batch_size)]
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=os.environ | FLAGS | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if process.returncode:
        lines = process.stderr.strip().splitlines() or [f"exit code {process.returncode}"]
        raise UnavailableError(f"paddle cannot quantise this model: {lines[-1][:300]}")


def main(paddle: Any, saved: str, target: str, calibration: str, batch_size: str) -> None:
    """Quantise, in a process whose flags are ``FLAGS``."""
    paddle.enable_static()
    executor = paddle.static.Executor(paddle.CPUPlace())
    source, result = Path(saved), Path(target)
    files = {"model_filename": f"{source.name}.pdmodel", "params_filename": f"{source.name}.pdiparams"}
    loaded = paddle.static.load_inference_model(str(source.parent), executor, **files)
    name, batches = loaded[1][0], full_batches(Path(calibration), CALIBRATING, size=int(batch_size))

    def feeds() -> Iterator[dict[str, Any]]:
        return ({name: batch} for batch in batches)

    quantization = paddle.static.quantization.PostTrainingQuantization(
        executor=executor,
        scope=paddle.static.global_scope(),
        model_dir=str(source.parent),
        **files,
        data_loader=feeds,
        batch_nums=len(batches),
        algo="abs_max",
        quantizable_op_type=list(QUANTIZED),
        weight_quantize_type="channel_wise_abs_max",
        onnx_format=True,
    )
    quantization.quantize()
    quantization.save_quantized_model(
        str(result.parent),
        model_filename=f"{result.name}.pdmodel",
        params_filename=f"{result.name}.pdiparams",
    )
