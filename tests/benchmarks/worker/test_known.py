"""A combination that an earlier process has looked at: what is left out, and what is checked all the same."""

from dataclasses import replace

import pytest

from benchmarks.request.inputs import write_weights
from benchmarks.worker.tasks import Tasks
from common.cli import UnavailableError
from tests.benchmarks.worker.test_memory import job

LEFT_OUT = {"parameters", "flops_per_image", "moved_per_image"}


@pytest.fixture
def prepared(tmp_path, backend):
    """Prepares a job as a new process does, the first time and again."""
    name = backend.__name__.rpartition(".")[2]

    def prepare(engine, phase="infer", *, known=False, seed=0, forget=()):
        tasks, spec = Tasks(name, backend), job(tmp_path, 4, phase=phase)
        spec = replace(spec, case=replace(spec.case, engine=engine), known=known)
        write_weights(tasks.shapes(spec.model.to_json()), seed=seed, path=tmp_path / "weights")
        for task in forget:
            setattr(tasks, task, None)  # whoever calls it fails
        return tasks, tasks.prepare(spec.to_json())

    return prepare


@pytest.mark.parametrize("phase", ["infer", "train"])
def test_sizes_and_dtypes_are_not_looked_at_again_and_logits_are(prepared, phase):
    _, first = prepared("eager", phase)
    tasks, again = prepared("eager", phase, known=True, forget=["_size"])
    assert {name for name in LEFT_OUT if again[name] is None} == LEFT_OUT
    assert again["settings"]["activation_dtype"] is None and first["settings"]["activation_dtype"]
    assert again["settings"]["threads"] == first["settings"]["threads"]
    assert 0 < again["error"] < 3 * first["error"]
    assert len(tasks.measure(2, 0.0)["seconds"].popitem()[1]) == 2
    with pytest.raises(
        UnavailableError, match="computes something else"
    ):  # a weight that another process has
        prepared("eager", phase, known=True, seed=1)


def test_what_was_compiled_ahead_needs_no_model(prepared, backend):
    if backend.__name__.endswith("torch"):
        pytest.skip("torch compiles for ten seconds, and the worker does the same for both")
    _, first = prepared("deploy")
    tasks, again = prepared("deploy", known=True, forget=["_opened", "_load"])
    assert 0 < again["error"] < 3 * first["error"]
    assert again["deployed_bytes"] == first["deployed_bytes"] > 0
    assert len(tasks.measure(2, 0.0)["seconds"]["forward"]) == 2
