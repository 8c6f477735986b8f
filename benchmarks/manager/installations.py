"""Whose interpreter and whose code a side of a comparison computes with."""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backends import NAMES
from benchmarks.request.sources import file_of, require_source
from common.cli import UsageError

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A backend, the Python that runs it, and the folder of our code.

    Without an interpreter it is TORCH_PYTHON's or PADDLE_PYTHON's, else the running one. ``folder`` is where
    a model of the user's own is looked up, if it is another one than the command was given in.
    """

    backend: str
    interpreter: str | None = None
    root: Path = ROOT
    folder: str = ""
    tasks: str | None = None  # MODULE:CLASS that it serves; None: what the session serves


def both_backends() -> Mapping[str, Installation]:
    """The two sides of a comparison of the frameworks, by name."""
    return {name: Installation(backend=name) for name in NAMES}


def other_place(backend: str, text: str, *, source: str = "") -> Installation:
    """Another version: an interpreter, its environment's folder, or a checkout.

    A checkout is of this project or, for ``source``, a model of the user's own, of the user's repository:
    then that alone differs. Raises UsageError where it is none of them.
    """
    path = Path(text).expanduser()
    if (path / "benchmarks" / "worker" / "__main__.py").is_file():
        return Installation(backend=backend, root=path.resolve())
    if path.is_dir() and _runs(path / "bin" / "python"):
        path = path / "bin" / "python"
    elif path.is_dir() and source:
        return Installation(backend=backend, folder=_folder_with(backend, source, path.resolve(), text))
    found = shutil.which(text) if path.parent == Path() else str(path.absolute())  # links mean environments
    if found is None or not _runs(Path(found)):
        raise UsageError(
            f"--against {text}: is no Python, no environment's folder and no checkout of this project or, "
            f"for a model of your own, of its repository; give one of them"
        )
    return Installation(backend=backend, interpreter=found)


def _folder_with(backend: str, source: str, folder: Path, text: str) -> str:
    """The folder, which has to hold the model's module itself: an installed one would be that of here."""
    module = source.partition(":")[0]
    if file_of(module, folder) is None:
        raise UsageError(
            f"--against {text}: has no module {module!r}, nor has its src; name a checkout with {source}: "
            f"a new model has nothing to be compared with"
        )
    require_source(source, backend=backend, folder=folder)
    return str(folder)


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


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
    """True if an environment variable is kept from workers."""
    return name in STRIPPED or name.startswith(STRIPPED_PREFIXES)


def withheld(names: Iterable[str]) -> list[str]:
    """Those of the variables that are kept from workers, sorted: a report names them."""
    return sorted(name for name in names if is_withheld(name))


def worker_environment(outer: Mapping[str, str], *, threads: int | None, elsewhere: bool) -> dict[str, str]:
    """The environment of a worker: nothing inherited that steers a framework.

    ``threads`` set unless None. ``elsewhere``: it runs another interpreter, or other code of ours, than this
    process.
    """
    inner = {name: value for name, value in outer.items() if not is_withheld(name)}
    if elsewhere:
        inner.pop("PYTHONPATH", None)  # our packages are not those of another interpreter
    elif inner.get("PYTHONPATH"):  # a worker starts in another folder, where "src" is nothing
        places = inner["PYTHONPATH"].split(os.pathsep)
        inner["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in places if place)
    if threads is not None:
        inner.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    return inner
