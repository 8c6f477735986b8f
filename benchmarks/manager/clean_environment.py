"""The environment of a worker: nothing that steers a framework behind our back."""

from collections.abc import Iterable, Mapping

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# What would change a framework's speed or rounding behind our back does not reach a worker.
STRIPPED_PREFIXES = (
    "OMP_",
    "GOMP_",
    "KMP_",
    "MKL_",
    "ONEDNN_",
    "DNNL_",
    "FLAGS_",
    "TORCH_CUDNN",
    "CUBLAS_WORKSPACE",
    # A launcher's words to the process that we were started by:
    "TORCHELASTIC_",
    "MASTER_",
    "PADDLE_MASTER",
    "PADDLE_TRAINER",
)
STRIPPED = ("PYTHONHOME", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")


def is_withheld(name: str) -> bool:
    """Whether an environment variable is kept from workers."""
    return name in STRIPPED or name.startswith(STRIPPED_PREFIXES)


def withheld(names: Iterable[str]) -> list[str]:
    """Those of the variables that are kept from workers, sorted: a report names them."""
    return sorted(name for name in names if is_withheld(name))


def worker_environment(outer: Mapping[str, str], *, threads: int | None, elsewhere: bool) -> dict[str, str]:
    """The environment of a worker: nothing inherited that steers a framework; ``threads`` set unless None.

    ``elsewhere``: it runs another interpreter, or other code of ours, than this process.
    """
    inner = {name: value for name, value in outer.items() if not is_withheld(name)}
    if elsewhere:
        inner.pop("PYTHONPATH", None)  # our packages are not those of another interpreter
    if threads is not None:
        inner.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    return inner
