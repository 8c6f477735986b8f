"""The functions that both backends offer: the contract that the twins fulfil.

Only NumPy arrays, numbers and opaque handles cross this border: a model, an optimizer, a tensor or a
moment goes back to the backend that made it, and nobody else looks inside. Devices are named "cpu" or
"gpu:N". Images are (batch, channels, height, width); labels are (batch,) of int64. Where an array
has a layout, it is the neutral one: torch's, so linear weights are (outputs, inputs).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from common.engines.kinds import ENGINE_KINDS
from common.runtime.distributed import Member
from common.runtime.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from common.dataset.index import Index
    from common.engines.engine import Engine, Layer, Operation
    from common.transforms.preprocessing import Preprocessing

NAMES = ("torch", "paddle")
PRECISIONS = ("fp32", "fp64", "tf32", "bf16", "fp16")
ENGINES = tuple(kind.name for kind in ENGINE_KINDS.values() if not kind.neutral)
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")

Model: TypeAlias = Any  # opaque handles: what they are is the framework's business
Optimizer: TypeAlias = Any
Tensor: TypeAlias = Any
Moment: TypeAlias = Any


class Computed(NamedTuple):
    """A forward pass: the output that the loss is of, the others by key, the loss, and what goes backward.

    ``total`` is the loss, and a number more for each of the ``others``, so that all have gradients.
    """

    logits: Tensor
    others: Mapping[str, Tensor]
    loss: Tensor
    total: Tensor


class Backend(Protocol):
    """Functions of a backend. The twins implement them as plain modules."""

    # Device ---------------------------------------------------------------------------------------

    def find_device(self, name: str) -> str:
        """Turn "auto", "cpu", "gpu" or "gpu:N" into a device that is there.

        "auto" prefers a GPU. Raises UnavailableError where it is not: nothing falls back in silence.
        """

    def synchronize(self, device: str) -> None:
        """Wait until the device has finished all queued work.

        Does nothing on the CPU.
        """

    def mark(self, device: str) -> Moment:
        """A moment in the device's own order of work: an event on a GPU, the clock on the CPU.

        Nobody waits here. It may be read by ``seconds_between`` only after ``synchronize``.
        """

    def seconds_between(self, start: Moment, end: Moment) -> float:
        """Seconds from one moment to a later one of the same device."""

    def reset_peak_memory(self, device: str) -> None:
        """Forget the highest memory use so far."""

    def peak_memory_bytes(self, device: str) -> int | None:
        """Highest memory held by tensors since the reset.

        Returns None where the framework keeps no count.
        """

    def is_out_of_memory(self, error: BaseException) -> bool:
        """True if an exception says that memory ran out, on the device or on the host."""

    def versions(self) -> dict[str, str | None]:
        """Versions of the framework and of the numeric libraries that it computes with."""

    def from_numpy(self, array: np.ndarray, *, device: str, precision: str) -> Tensor:
        """Copy an array to the device; floating-point ones are cast to ``precision``."""

    def to_numpy(self, tensor: Tensor) -> np.ndarray:
        """Copy a tensor to the host. Waits for it."""

    def to_dtype(self, tensor: Tensor, dtype: str) -> Tensor:
        """A tensor in another dtype, by NumPy's name of it; part of a model where one calls it."""

    # Settings -------------------------------------------------------------------------------------

    def equalise(self, *, threads: int, device: str, tf32: bool = False) -> None:
        """Set what both frameworks can set alike: threads, and on a GPU TF32 and no autotuning."""

    def read_settings(self, device: str) -> Settings:
        """Read back what is in force: threads, and on a GPU TF32, autotuning and determinism."""

    # Models ---------------------------------------------------------------------------------------

    def build(
        self, name: str, *, num_classes: int, channels: int, precision: str, device: str, **options: Any
    ) -> Model:
        """A model by its name, in training mode, with the framework's own initial values.

        ``precision`` is "fp32" or "fp64". ``options`` are the model's own, such as lenet5's ``pool``.
        """

    def adopt(self, model: Model, *, precision: str, device: str) -> Model:
        """A model that someone else built, moved to a precision and a device."""

    def set_training(self, model: Model, training: bool) -> None:
        """Switch between training mode (dropout active) and evaluation mode."""

    # Weights --------------------------------------------------------------------------------------

    def parameter_shapes(self, model: Model) -> dict[str, tuple[int, ...]]:
        """Neutral shape of each parameter, by name, in definition order."""

    def get_weights(self, model: Model, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """A copy of the named parameters (None: of every one), neutral layout, the model's own dtype."""

    def set_weights(self, model: Model, arrays: Mapping[str, np.ndarray]) -> None:
        """Copy arrays into the parameters, cast to the model's dtype.

        Strict: missing, surplus or misshapen entries raise a ValueError that lists all of them, and
        then nothing is changed.
        """

    def get_buffers(self, model: Model) -> dict[str, np.ndarray]:
        """A copy of every buffer; batch norm's are running_mean and running_var."""

    def set_buffers(self, model: Model, arrays: Mapping[str, np.ndarray]) -> None:
        """Copy arrays into the buffers of these names; others stay as they are."""

    def save_weights(self, model: Model, path: Path) -> None:
        """Write the parameters as the framework's own file (.pth, .pdparams), atomically."""

    def load_weights(self, model: Model, path: Path) -> None:
        """Read such a file with the framework's own reader. ValueError for missing and surplus entries."""

    def get_gradients(self, model: Model, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """A copy of the named parameters' gradients (None: of every one's), neutral layout.

        Returns zeros where there is none.
        """

    def set_gradients(self, model: Model, arrays: Mapping[str, np.ndarray]) -> None:
        """Put gradients in place, as strictly as ``set_weights``."""

    def freeze(self, model: Model, names: Collection[str]) -> None:
        """Compute no gradients for these parameters from now on."""

    # Inspection -----------------------------------------------------------------------------------

    def describe(self, model: Model) -> dict[str, list[dict[str, Any]]]:
        """Describe the model's layers, parameters and buffers, in definition order.

        "parameters" and "buffers" have ``name``, ``shape`` (neutral), ``layer`` and that layer's
        ``type``; parameters also ``trainable``. "layers" are the leaves: ``name``, ``type``, and
        ``base``, the framework's own type that a user's type derives from. All types are torch's words.
        """

    def trace(self, model: Model, images: Tensor) -> list[dict[str, Any]]:
        """Run once in evaluation mode.

        Returns facts of each leaf layer, in execution order. Each has ``name``, ``type`` (torch's word),
        ``output_shape``, ``dtype`` ("float32", ...) and ``layout`` ("NCHW" or "NHWC"; None where the output
        has not four axes).
        """

    def infer_with_features(self, model: Model, images: Tensor, *, layer: str) -> tuple[Any, Tensor | None]:
        """Run as ``infer`` does.

        Returns what the model returns, and a copy of the first tensor that goes into the leaf layer of this
        name, the last time it is called: None if it is not called with any. KeyError for another name.
        """

    # Layers ---------------------------------------------------------------------------------------

    def record(
        self,
        model: Model,
        compute: Callable[[], Computed],
        *,
        keep: Callable[[str, np.ndarray], None],
        backward: bool = True,
    ) -> list[dict[str, Any]]:
        """Run ``compute``, then backward from its ``total``.

        Returns each call of a leaf layer, in order. Each has ``call`` (the layer's name; "NAME#2" the second
        time), ``name``, ``type``, ``base``, ``inputs`` and ``outputs`` (how many tensors) and ``training``.
        ``keep`` is handed, at once and as copies, "layers/CALL/input0", "layers/CALL/output" and
        "layers/CALL/gradient" (that of the output; "output1" and "gradient1" of the second one),
        "forward/logits", "forward/gradient" (that of the logits), "outputs/KEY/output" and
        "outputs/KEY/gradient" of every other output, and "loss/loss" (1,). Parameters' gradients are left in
        place. An exception has the call that was running as its ``layer``.
        """

    def run_layer(
        self, model: Model, name: str, *, inputs: Sequence[np.ndarray], gradient: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Run one leaf layer alone on these inputs, and backward from ``gradient``, that of its output.

        Returns "output", and where there is a gradient "input0" ... and "parameter/NAME": those that
        come back. The layer's parameters' gradients are cleared.
        """

    def isolate_layers(self, model: Model, images: Tensor) -> list[Layer]:
        """Each leaf layer alone, in execution order, with the input that it has inside the model."""

    # Dropout --------------------------------------------------------------------------------------

    def measure_dropout(self, model: Model) -> list[dict[str, Any]]:
        """Apply each dropout layer to ones, in float64: ``name``, ``rate`` as configured,
        ``channelwise``, ``decisions``, ``dropped`` (how many of them), ``scale`` (what is left of 1 in
        training), ``evaluation`` (the same in evaluation mode). Uses up random numbers.
        """

    def masked_dropout(
        self, model: Model, draw: Callable[[str, tuple[int, ...], float], np.ndarray | None]
    ) -> AbstractContextManager[None]:
        """Context in which dropout layers in training use given masks, scaled as usual.

        ``draw(layer, shape, probability)`` gives the mask of each pass, 1 or 0: one number for each of the
        input's, or for each of its channels where whole ones are dropped. It is taken in that order and may
        have another shape; another number of them is a ValueError that names the layer. None leaves it to
        the layer.
        """

    def inner_dropout(self, model: Model) -> list[dict[str, Any]]:
        """Layers that drop numbers inside themselves, recurrent and attention layers: ``name``, ``rate``.

        The rate is 0.0 where nothing is dropped. No mask can be given to these.
        """

    def without_inner_dropout(self, model: Model) -> AbstractContextManager[None]:
        """Context in which these layers drop nothing."""

    def seed_dropout(self, seed: int) -> None:
        """Start the framework's own random numbers anew: the next masks depend on ``seed`` alone."""

    # Batches --------------------------------------------------------------------------------------

    def feed(
        self,
        batches: Iterable[tuple[np.ndarray, np.ndarray]],
        *,
        device: str,
        precision: str,
        preprocessing: Preprocessing,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """A loader's batches on the device, images in ``precision``.

        On the CPU tensors share the memory of batches that are scaled already. A GPU is fed unscaled
        ones (``Loader(as_bytes=True)``): it scales them, to the same numbers, and the next batch is
        copied while this one is computed on.
        """

    def native_loader(
        self,
        index: Index,
        *,
        shape: tuple[int, int, int],
        batch_size: int,
        workers: int,
        training: bool,
        device: str,
        precision: str,
    ) -> Iterable[tuple[Tensor, Tensor]]:
        """The framework's own DataLoader over an index of image files, with its own transforms.

        Full batches alone, on the device, in order or for ``training`` shuffled and augmented; ``workers``
        are processes. Raises UnavailableError where the framework's transforms are not installed.
        """

    # Engines --------------------------------------------------------------------------------------

    def require(
        self, *, engine: str, precision: str, device: str, layout: str = "NCHW", training: bool = False
    ) -> None:
        """Raise UnavailableError, saying why, unless models can run so on this device."""

    def lay_out(self, model: Model, images: Tensor, *, layout: str) -> Tensor:
        """Give a model's weights, in place, and images the layout "NCHW" or "NHWC".

        Returns the images. Shapes stay (batch, channels, height, width): it is the order in memory that
        changes.
        """

    def make_engine(
        self,
        model: Model,
        images: Tensor,
        *,
        engine: str,
        precision: str,
        device: str,
        folder: Path,
        calibration: Path | None = None,
    ) -> Engine:
        """A way to compute logits from images of this shape and layout, run once already.

        "compiled" may change the model. What "deploy" compiles ahead of time lies in ``folder``
        afterwards, where the next process finds it; its weights are those of that time. For int8 it is
        calibrated on the images in the file ``calibration``; see ``common.engines.int8``.
        """

    def export_onnx(self, model: Model, images: Tensor, path: Path) -> None:
        """Write a float32 model on the CPU, in evaluation mode, as an ONNX file for images of this shape.

        Raises UnavailableError, naming the packages, where the framework's exporter is not installed.
        """

    def operations(
        self, run: Any, model: Model, images: Tensor, *, engine: str, precision: str, device: str
    ) -> list[Operation]:
        """Call ``run(images)``; returns what computed, in which dtype, or nothing if that is not reported."""

    def compiled(self, model: Model) -> Model:
        """The model, to be compiled when it first runs.

        The parameters are the same.
        """

    def matrix_product(self, array: np.ndarray, *, device: str, precision: str) -> Callable[[], Tensor]:
        """Multiply a square matrix with itself on each call; nobody waits."""

    def stream_sum(self, array: np.ndarray, *, device: str) -> Callable[[], Tensor]:
        """Add an array to another in place on each call, in float32; nobody waits."""

    def infer(self, model: Model, images: Tensor) -> Tensor:
        """Logits (batch, classes), still on the device, without recording for gradients."""

    # Training -------------------------------------------------------------------------------------

    def compute_loss(
        self, model: Model, images: Tensor, labels: Tensor, *, label_smoothing: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Logits and their mean cross-entropy, still on the device, recorded for gradients.

        Logits of more than two axes, (batch, classes, ...), have the image's label at every place.
        ``label_smoothing`` of each target is spread evenly over all classes.
        """

    def backward(self, loss: Tensor, *, scale: float = 1.0) -> None:
        """Add the gradients of the loss times ``scale`` to the parameters'."""

    # Optimizers -----------------------------------------------------------------------------------

    def make_optimizer(
        self,
        model: Model,
        name: str,
        *,
        learning_rate: float,
        momentum: float = 0.9,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        only: Collection[str] | None = None,
    ) -> Optimizer:
        """One of OPTIMIZERS over every parameter, or over those named in ``only``.

        ``weight_decay`` is an L2 penalty, or decoupled for adamw; ``momentum`` is that of "momentum"
        alone; the betas and epsilon are Adam's.
        """

    def get_learning_rate(self, optimizer: Optimizer) -> float:
        """The rate of the next update."""

    def set_learning_rate(self, optimizer: Optimizer, value: float) -> None:
        """Set the rate of all further updates."""

    def get_moments(
        self, model: Model, optimizer: Optimizer, names: Collection[str], which: Collection[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Optimizer state of these parameters, neutral layout: "PARAMETER/exp_avg" (torch's
        words), and "PARAMETER/step" where it counts steps. ``which`` are the kinds (None: all); nothing
        before the first update.
        """

    def set_moments(
        self, model: Model, optimizer: Optimizer, arrays: Mapping[str, np.ndarray], *, updates: int
    ) -> None:
        """Go on from such arrays (without steps), after so many updates.

        Others' entries are ignored.
        """

    def clear_gradients(self, optimizer: Optimizer) -> None:
        """Forget the gradients of its parameters."""

    def update(self, optimizer: Optimizer) -> None:
        """Move the parameters along their gradients, then clear these."""

    def gradient_norm(self, model: Model) -> float:
        """L2 norm of all gradients as one vector.

        The norm is not finite if any of them is not. Waits.
        """

    def scale_gradients(self, model: Model, factor: float) -> None:
        """Multiply every gradient."""

    # Precision ------------------------------------------------------------------------------------

    def require_training(self, *, precision: str, device: str) -> None:
        """Raise UnavailableError, saying why, unless models can learn in this precision here.

        "bf16" and "fp16" are mixed: parameters stay in float32.
        """

    def autocast(self, *, precision: str, device: str) -> AbstractContextManager[Any]:
        """Context in which a model's forward pass runs in mixed precision.

        Does nothing for fp32 and fp64.
        """

    def default_dtype(self, precision: str) -> AbstractContextManager[None]:
        """Context in which what a model makes without naming a dtype is of this precision, fp32 or fp64."""

    # Distributed ----------------------------------------------------------------------------------

    def launched(self) -> Member:
        """Which process of a run this is, as the framework's launcher says it in the environment."""

    def introduce(self, member: Member, *, ports: Sequence[int]) -> None:
        """Set the launcher's environment variables for processes that it has not started.

        ``ports`` has a free one for each of them. Call it before ``join``.
        """

    def join(self, device: str) -> None:
        """Join the other processes' group.

        Waits for all of them. They communicate over gloo on the CPU, over NCCL on GPUs.
        """

    def leave(self) -> None:
        """End what ``join`` began."""

    def replicate(self, model: Model) -> Model:
        """The same parameters behind a wrapper, set to the first process's values in all of them.

        A backward pass through it leaves the mean of all processes' gradients in the parameters: all have
        to do equally many. What is frozen has to be frozen before.
        """

    def unsynchronised(self, replica: Model) -> AbstractContextManager[Any]:
        """Context in which gradients stay in this process.

        The next backward pass outside it sends their sum.
        """

    def sum_over_processes(self, array: np.ndarray, *, device: str) -> np.ndarray:
        """The sum of all processes' arrays, float64 or int64, of one shape.

        Every process gets the same bits. Waits.
        """
