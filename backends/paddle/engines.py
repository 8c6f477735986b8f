"""Ways to run a model: eager, compiled while running, or compiled ahead of time to be deployed.

https://www.paddlepaddle.org.cn/inference/master/api_reference/python_api_doc/python_api_index.html
"""

from functools import partial

import paddle
from paddle import inference

from common.engines.engine import Engine, compiled_ahead, timed
from common.engines.int8 import INT8
from common.engines.kinds import ENGINE_KINDS, FrameworkLimits, Wanted, require_possible
from common.engines.onnx_runtime import require_packages
from common.engines.operations import onednn_operations, verbose
from common.engines.paddle_inference import convert_to_onnx, load_predictor, program_operations
from common.engines.paddle_int8 import save_quantized

from .device import DTYPES, from_numpy, synchronize
from .precision import MIXED, autocast
from .settings import THREADS

ARTEFACT = "model"
LAYOUTS = ("NCHW",)
LIMITS = FrameworkLimits(
    LAYOUTS, mixed_on_cpu=("deploy",), unmixed="paddle.amp.auto_cast warns and casts nothing"
)
EXPORTER = ("onnx", "paddle2onnx")


def require(*, engine, precision, device, layout="NCHW", training=False):
    require_possible(engine, Wanted(precision, device, layout, training), LIMITS)


def lay_out(model, images, *, layout):
    assert layout in LAYOUTS
    return images


def compiled(model):
    return paddle.jit.to_static(model, full_graph=True)


def infer(model, images):
    with paddle.no_grad():
        return model(images)


def make_engine(model, images, *, engine, precision, device, folder, calibration=None):
    wait, place = partial(synchronize, device), {"precision": precision, "device": device}
    compiles, compile_seconds, load_seconds = ENGINE_KINDS[engine].compiles, None, None
    if compiles == "ahead":
        exporting, loading = AHEAD[engine]
        how = {"precision": precision, "calibration": calibration}
        compile_seconds = compiled_ahead(folder, partial(exporting, model, images, **how), wait)
        run, load_seconds = timed(partial(loading, folder, **place), wait)
    else:
        called = compiled(model) if compiles == "first" else model
        run = partial(_run_in, called, **place)
        _, first_seconds = timed(partial(run, images), wait)
        compile_seconds = first_seconds if compiles == "first" else None
    return Engine(
        run=run,
        operations=partial(operations, run, model, engine=engine, **place),
        compile_seconds=compile_seconds,
        load_seconds=load_seconds,
    )


def _run_in(model, images, *, precision, device):
    with autocast(precision=precision, device=device):
        return infer(model, images)


def export(model, images, folder, *, precision, calibration=None):
    # In float32 whatever is asked for: paddle.inference casts when it loads.
    example = paddle.static.InputSpec(images.shape, DTYPES["fp32"])
    with paddle.no_grad():
        if precision == INT8:
            save_quantized(paddle, model, folder / ARTEFACT, example=example, calibration=calibration)
            return
        paddle.jit.save(model, str(folder / ARTEFACT), input_spec=[example])


def load(folder, *, precision, device):
    where = {"precision": precision, "device": device, "threads": THREADS.read()}
    predictor = load_predictor(inference, folder / ARTEFACT, **where)
    return lambda images: predictor.run([images])[0]


AHEAD = {"deploy": (export, load)}  # by engine


def export_onnx(model, images, path):
    require_packages(EXPORTER)
    export(model, images, path.parent, precision="fp32")
    convert_to_onnx(path.parent / ARTEFACT, path)


def operations(run, model, images, *, engine, precision, device):
    if ENGINE_KINDS[engine].compiles == "first":
        return program_operations(model.forward.get_concrete_program(images)[0].main_program)
    return onednn_operations(partial(run, images), verbose("/paddle/libs/"))


def matrix_product(array, *, device, precision):
    dtype = MIXED.get(precision) or DTYPES.get(precision) or DTYPES["fp32"]
    matrix = from_numpy(array, device=device, precision="fp32").to(dtype)
    return lambda: paddle.matmul(matrix, matrix)


def stream_sum(array, *, device):
    total, added = (from_numpy(array, device=device, precision="fp32") for _ in range(2))
    return lambda: total.add_(added)
