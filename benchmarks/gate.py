"""The parity gate: equal weights and images in float64 on the CPU, compared tensor by tensor."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.gaps import FAIL, KNOWN, PASS, TOLERANCE, Gap, compare_files, excuse
from benchmarks.known_rounding import KNOWN_ROUNDINGS
from common import initial, tensor_file

STAGES = ("forward", "loss", "gradients")


class Side(Protocol):
    """A backend that can be asked for tasks: a worker, or tasks in this process."""

    def ask(self, task: str, **arguments: Any) -> Any:
        """Have one task done and return its result."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is compared: a model and its size; the seed of its weights and of the batch."""

    model: str
    num_classes: int
    input_shape: tuple[int, int, int]
    seed: int = 0
    batch_size: int = 2

    def build(self, *, precision: str, device: str) -> dict[str, Any]:
        """Arguments for Backend.build."""
        return {
            "name": self.model,
            "num_classes": self.num_classes,
            "channels": self.input_shape[0],
            "precision": precision,
            "device": device,
        }

    def shapes(self, side: Side, *, precision: str, device: str = "cpu") -> dict[str, list[int]]:
        """The side's parameters; its next task finds the model built already."""
        return dict(side.ask("shapes", build=self.build(precision=precision, device=device)))


def draw_batch(subject: Subject, *, batch_size: int) -> dict[str, np.ndarray]:
    """Images like normalised photographs, N(0, 1) in float32, and labels: the same for both sides."""
    rng = np.random.default_rng((subject.seed, batch_size))
    return {
        "images": rng.standard_normal((batch_size, *subject.input_shape), dtype=np.float32),
        "labels": rng.integers(subject.num_classes, size=batch_size),
    }


def write_weights(shapes: Mapping[str, Sequence[int]], *, seed: int, path: Path) -> None:
    """Draw one set of weights for both sides."""
    tensor_file.save(path, initial.draw_scaled(shapes, seed=seed))


def run_gate(torch_side: Side, paddle_side: Side, *, subject: Subject, scratch: Path) -> dict[str, Any]:
    """Compare both sides; returns the "parity" object of a result file.

    Stages: parameters (names and shapes), forward (logits), loss, gradients (every parameter). What
    is written lies in ``scratch`` and is removed again.
    """
    ours, theirs = (subject.shapes(side, precision="fp64") for side in (torch_side, paddle_side))
    stages = [_parameter_stage(ours, theirs)]
    if stages[0]["verdict"] == FAIL:
        return _report(stages, order=[])
    with _Captures(torch_side, paddle_side, subject=subject, shapes=ours, folder=scratch) as captures:
        order = [layer["name"] for layer in captures.layers]
        gaps = compare_files(captures.torch, captures.paddle, expected=captures.expected)
        gaps = _excuse_known_roundings(gaps, captures)
    stages += [_stage(name, gaps) for name in STAGES]
    return _report(stages, order=order)


class _Captures:
    """Both sides' tensors as files, for as long as the ``with`` block lasts."""

    def __init__(
        self,
        torch_side: Side,
        paddle_side: Side,
        *,
        subject: Subject,
        shapes: Mapping[str, Sequence[int]],
        folder: Path,
    ) -> None:
        self.subject, self._torch_side, self._paddle_side = subject, torch_side, paddle_side
        self.expected = [f"gradients/{name}" for name in shapes] + ["forward/logits", "loss/loss"]
        names = ("weights", "batch", "torch", "paddle", "rounded")
        self._files = {name: folder / f"parity-{name}.safetensors" for name in names}
        self.torch, self.paddle = self._files["torch"], self._files["paddle"]
        self.layers: list[dict[str, Any]] = []
        self._shapes = shapes

    def __enter__(self) -> "_Captures":
        write_weights(self._shapes, seed=self.subject.seed, path=self._files["weights"])
        batch = draw_batch(self.subject, batch_size=self.subject.batch_size)
        tensor_file.save(self._files["batch"], batch)
        self.layers = self._capture(self._torch_side, "torch")
        self._capture(self._paddle_side, "paddle")
        return self

    def __exit__(self, *_: object) -> None:
        for path in self._files.values():
            path.unlink(missing_ok=True)

    def rounded(self, key: str) -> Path:
        """The tensors of torch again, computed with one of paddle's rounded constants."""
        self._capture(self._torch_side, "rounded", rounding=[key])
        return self._files["rounded"]

    def _capture(self, side: Side, name: str, **more: Any) -> list[dict[str, Any]]:
        build = self.subject.build(precision="fp64", device="cpu")
        files = {"weights": "weights", "inputs": "batch", "target": name}
        paths = {argument: str(self._files[file]) for argument, file in files.items()}
        return list(side.ask("capture", build=build, **paths, **more))


def _excuse_known_roundings(gaps: list[Gap], captures: _Captures) -> list[Gap]:
    """Repeat on torch's side with each rounded constant that could explain a failed gradient."""
    for key, rounding in KNOWN_ROUNDINGS.items():
        reach = _gradients_reached(rounding.layer_type, captures.layers)
        suspects = {gap.name for gap in gaps if not gap.passed and gap.name in reach}
        if suspects:
            again = compare_files(captures.rounded(key), captures.paddle, expected=captures.expected)
            gaps = [
                excuse(gap, repeated, rounding) if gap.name in suspects else gap
                for gap, repeated in zip(gaps, again, strict=True)
            ]
    return gaps


def _gradients_reached(layer_type: str, layers: Sequence[Mapping[str, Any]]) -> set[str]:
    """Gradients that such a layer's backward pass can touch: those of the layers before the last one."""
    positions = [position for position, layer in enumerate(layers) if layer["type"] == layer_type]
    before = layers[: positions[-1]] if positions else ()
    return {f"gradients/{layer['name']}.{part}" for layer in before for part in ("weight", "bias")}


def _parameter_stage(ours: Mapping[str, list[int]], theirs: Mapping[str, list[int]]) -> dict[str, Any]:
    tensors = [
        {"name": name, "shape": ours.get(name), "paddle_shape": theirs.get(name)}
        for name in (*ours, *(set(theirs) - set(ours)))
        if ours.get(name) != theirs.get(name)
    ]
    verdict = FAIL if tensors or list(ours) != list(theirs) else PASS
    return {"stage": "parameters", "dtype": None, "verdict": verdict, "tolerance": None, "tensors": tensors}


def _stage(name: str, gaps: Sequence[Gap]) -> dict[str, Any]:
    own = [gap for gap in gaps if gap.name.startswith(f"{name}/")]
    verdicts = {gap.verdict for gap in own}
    return {
        "stage": name,
        "dtype": "float64",
        "verdict": next(verdict for verdict in (FAIL, KNOWN, PASS) if verdict in verdicts),
        "tolerance": TOLERANCE,
        "tensors": [asdict(gap) | {"name": gap.name.removeprefix(f"{name}/")} for gap in own],
    }


def _report(stages: list[dict[str, Any]], *, order: Sequence[str]) -> dict[str, Any]:
    failed = any(stage["verdict"] == FAIL for stage in stages)
    return {
        "verdict": FAIL if failed else PASS,
        "first_divergence": _first_divergence(stages, order=order),
        "stages": stages,
    }


def _first_divergence(stages: list[dict[str, Any]], *, order: Sequence[str]) -> dict[str, Any] | None:
    """The first tensor that failed: gradients are taken in the order in which backward computes them."""
    for stage in stages:
        failed = [tensor for tensor in stage["tensors"] if tensor.get("verdict", FAIL) == FAIL]
        if failed:
            layers = {tensor["name"]: tensor["name"].rpartition(".")[0] or None for tensor in failed}
            first = max(failed, key=lambda tensor: _position(layers[tensor["name"]], order))
            name = first["name"]
            return {
                "stage": stage["stage"],
                "name": name,
                "layer": layers[name],
                "relative_l2": first.get("relative_l2"),
            }
    return None


def _position(layer: str | None, order: Sequence[str]) -> int:
    return order.index(layer) if layer in order else -1
