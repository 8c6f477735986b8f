"""Ways to run a model: eager, compiled while running, or compiled ahead of time to be deployed.

https://docs.pytorch.org/docs/stable/torch.compiler_aot_inductor.html
"""

from functools import partial

import torch

from common.engines.engine import Engine, compiled_ahead, timed
from common.engines.int8 import INT8
from common.engines.kinds import ENGINE_KINDS, FrameworkLimits, Wanted, require_possible
from common.engines.onnx_runtime import require_packages
from common.engines.operations import torch_operations
from common.engines.torch_int8 import quantized_model

from .device import DTYPES, from_numpy, synchronize
from .precision import MIXED, autocast

ARTEFACT = "model"
LAYOUTS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}
LIMITS = FrameworkLimits(LAYOUTS, mixed_on_cpu=("eager", "compiled", "deploy"), unmixed="")
EXPORTER = ("onnx", "onnxscript")


def require(*, engine, precision, device, layout="NCHW", training=False):
    require_possible(engine, Wanted(precision, device, layout, training), LIMITS)


def lay_out(model, images, *, layout):
    model.to(memory_format=LAYOUTS[layout])
    return images.contiguous(memory_format=LAYOUTS[layout])


def compiled(model):
    return torch.compile(model)


def infer(model, images):
    with torch.no_grad():
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
    # The weights are cast here, once: deployed, nothing of what autocast does is left to do.
    dtype = MIXED.get(precision, DTYPES["fp32"])
    with torch.no_grad():
        if precision == INT8:
            model = quantized_model(torch, model, calibration=calibration, batch_size=images.shape[0])
        program = torch.export.export(model.to(dtype), (images.to(dtype),))
        # Frozen: weights as constants, laid out once for the kernels, which paddle.inference does unasked.
        # Measured on the CPU in fp32, batches of 8: 1.29 times as fast (alexnet), 1.03 to 1.23 (the others).
        how = {"package_path": f"{folder / ARTEFACT}.pt2", "inductor_configs": {"freezing": True}}
        torch._inductor.aoti_compile_and_package(program, **how)
        model.to(DTYPES["fp32"])


def load(folder, *, precision, device):
    package = torch._inductor.aoti_load_package(f"{folder / ARTEFACT}.pt2")
    return lambda images: package(images.to(MIXED.get(precision, DTYPES["fp32"])))


AHEAD = {"deploy": (export, load)}  # by engine


def export_onnx(model, images, path):
    require_packages(EXPORTER)
    # dynamo: the exporter that is kept up; https://docs.pytorch.org/docs/stable/onnx_export.html
    torch.onnx.export(model, (images,), str(path), dynamo=True, verbose=False)


def operations(run, model, images, *, engine, precision, device):
    return torch_operations(partial(run, images), torch, engine=engine, device=device)


def matrix_product(array, *, device, precision):
    dtype = MIXED.get(precision) or DTYPES.get(precision) or DTYPES["fp32"]
    matrix = from_numpy(array, device=device, precision="fp32").to(dtype)
    return lambda: torch.matmul(matrix, matrix)


def stream_sum(array, *, device):
    total, added = (from_numpy(array, device=device, precision="fp32") for _ in range(2))
    return lambda: total.add_(added)
