"""Several processes compute what one does; a run whose process is killed goes on with another number."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from backends import evaluate, train
from backends.inference.classifier import Scores, evaluation_loader
from common.dataset.sources import read_source
from common.loader.loader import epoch_order
from common.runtime.distributed import Member, share_of_batch
from common.training import recipes
from common.training.dropout_masks import Masks
from common.training.run_folder import RunFolder
from tests.campaigns.replicas import STEPS
from tests.support.commands import ended
from tests.support.launching import launched
from tests.support.sides import module
from tests.support.training import history, trained, weights

LAUNCHERS_LIMIT = 45  # seconds: torchrun gives the others 30 to end by themselves


@pytest.fixture(scope="module", params=["torch", "paddle"])
def launch(request, tmp_path_factory):
    """Everything that two processes found out, and the training run in which one of them was killed."""
    request.getfixturevalue(f"{request.param}_backend")
    folder = tmp_path_factory.mktemp(request.param)
    arguments = ["-m", "tests.campaigns.replicas", request.param, str(folder)]
    code, text = launched(request.param, scratch=folder, arguments=arguments)
    assert (folder / "found.json").exists(), text[-5000:]
    found = json.loads((folder / "found.json").read_text())
    found["seconds"] = time.time() - (folder / "killed").stat().st_mtime  # that the launcher took to end it
    return {"name": request.param, "folder": folder, "code": code, "text": text, **found}


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adamw", "shared masks"])
def test_two_processes_equal_one(launch, optimizer):
    """LeNet5 in float64, 20 updates in parts, uneven last batches; a smaller network with dropout."""
    assert (launch["processes"], STEPS) == (2, 20)
    assert launch["gaps"][optimizer] < 1e-10


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["torch", "paddle"])
def test_two_processes_train_alexnet_as_one_does(name, request, tmp_path):
    request.getfixturevalue(f"{name}_backend")
    arguments = ["-m", "tests.campaigns.alexnet_replicas", name, str(tmp_path)]
    code, text = launched(name, scratch=tmp_path, arguments=arguments, timeout=500)
    assert code == 0, text[-5000:]
    found = json.loads((tmp_path / "gap.json").read_text())
    assert found["processes"] == 2
    assert found["gap"] < 1e-10
    assert found["moved"] > 1e-6


@pytest.mark.parametrize("fault", ["repeated shard", "padding counts", "forgotten averaging", "other start"])
def test_faults_of_many_processes_are_seen(launch, fault):
    assert launch["gaps"][fault] > 1e-3


def test_all_begin_with_the_first_ones_weights(launch):
    assert launch["start"] == 0


def test_gradients_are_sent_once_an_update(launch):
    """Three parts make a batch; without no_sync every one of them is sent, which changes no result."""
    assert launch["exchanges"] == [False, False, True]
    assert launch["without no_sync"] == [True, True, True]


def test_what_is_measured_learns_as_one(launch):
    """Gradients are those of all after a step that sends, and each one's own after one that does not."""
    found = launch["measured"]
    assert found["sent"] < 1e-6
    assert found["own"] > 1e-2
    assert found["steps"] == [3, 3]
    assert "does not average their gradients" in launch["forgotten averaging"]
    assert "that should send nothing averages" in launch["sending always"]


def test_a_run_of_one_process_goes_on_with_two(launch):
    assert "going on after epoch 0, batch 2" in launch["text"]


def test_a_killed_process_ends_the_run_which_then_goes_on_with_one(launch, capsys, tmp_path, one_thread):
    folder = launch["folder"] / "run"
    assert launch["code"] != 0
    assert launch["seconds"] < LAUNCHERS_LIMIT
    assert history(folder)[0]["epoch"] == 1
    assert not list(folder.glob(".*.part"))
    assert not (launch["folder"] / "others").exists()  # only the first one writes
    name, flags = launch["name"], ["--precision", "fp64", "--save-every", "2"]
    code, out, _ = trained(capsys, name, folder, "--resume", *flags)
    assert (code, "going on after epoch 1, batch 2" in out) == (0, True)
    assert trained(capsys, name, tmp_path / "whole", *flags)[0] == 0
    keys = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate")
    for ours, theirs in zip(history(folder), history(tmp_path / "whole"), strict=True):
        assert all(ours[key] == pytest.approx(theirs[key], rel=1e-10) for key in keys)
    ours, theirs = weights(folder), weights(tmp_path / "whole")
    assert all(np.linalg.norm(ours[n] - theirs[n]) <= 1e-9 * np.linalg.norm(ours[n]) for n in theirs)


def test_only_the_first_prints(launch):
    """paddle's launcher keeps what each has printed; torch's passes it on."""
    logs = [path.read_text() for path in sorted((launch["folder"] / "logs").glob("workerlog.*"))]
    counts = [text.count("lenet5: 61,706 parameters") for text in logs or [launch["text"]]]
    assert counts == ([1, 0] if logs else [1])


@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
@pytest.mark.parametrize("length", [1, 7, 24, 95])
def test_every_sample_counts_once(ranks, length):
    """Batch by batch the same ones as in one process; what is repeated counts for nobody."""
    size = 24
    whole = epoch_order(length, seed=3, epoch=2, shuffle=True)
    orders = [
        epoch_order(length, seed=3, epoch=2, shuffle=True, rank=rank, ranks=ranks) for rank in range(ranks)
    ]
    assert len({len(order) for order in orders}) == 1
    for batch in range(-(-length // size)):
        counted = []
        for rank, order in enumerate(orders):
            share = share_of_batch(
                length, batch=batch, batch_size=size, member=Member(rank=rank, ranks=ranks)
            )
            each = size // ranks
            own = order[batch * each : (batch + 1) * each]
            assert share.whole == len(whole[batch * size : (batch + 1) * size])
            assert len(own) - share.own in (0, 1)
            counted += own[: share.own].tolist()
        assert sorted(counted) == sorted(whole[batch * size : (batch + 1) * size].tolist())


@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
@pytest.mark.parametrize("length", [1, 2, 7, 24, 95])
def test_shards_are_padded_as_torchs_sampler_does(ranks, length, torch_backend):
    from torch.utils.data import DistributedSampler

    for rank in range(ranks):
        theirs = DistributedSampler(range(length), num_replicas=ranks, rank=rank, shuffle=False)
        ours = epoch_order(length, seed=0, epoch=0, shuffle=False, rank=rank, ranks=ranks)
        assert ours.tolist() == list(theirs)


@pytest.mark.parametrize("name", ["torch", "paddle"])
def test_launchers_are_listened_to_in_one_file(name):
    folder = Path(train.__file__).parent
    words = ("WORLD_SIZE", "LOCAL_RANK", "PADDLE_TRAINER", "FLAGS_selected_gpus")
    files = [path.name for path in (folder / name).glob("*.py") if any(w in path.read_text() for w in words)]
    assert files == ["distributed.py"]
    assert not [path for path in folder.glob("*.py") if any(word in path.read_text() for word in words)]


@pytest.mark.parametrize("ranks", [2, 3])
def test_shares_of_a_mask_make_the_mask(ranks):
    rows = [Masks(5, rank=rank, ranks=ranks)("fc6", (-(-7 // ranks), 4), 0.5) for rank in range(ranks)]
    whole = Masks(5)("fc6", (7, 4), 0.5)
    for rank in range(ranks):
        own = whole[rank::ranks]
        assert np.array_equal(rows[rank][: len(own)], own)


def test_scores_of_shares_add_up_exactly():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((50, 7)), rng.integers(7, size=50)
    logits[3] = np.nan
    whole, parts = Scores(7), [Scores(7), Scores(7), Scores(7)]
    whole.update(logits, labels)
    for rank in (0, 1):  # the third one has no image
        parts[rank].update(logits[rank::2], labels[rank::2])
    together = Scores(7)
    together.take(np.sum([part.counts() for part in parts], axis=0))
    names = tuple("abcdefg")
    assert {**together.to_json(names), "loss": 0} == {**whole.to_json(names), "loss": 0}
    finite = [part.counts()[0] for part in parts if np.isfinite(part.counts()[0])]
    assert finite != []


def test_a_process_without_a_share_of_the_images_has_nothing_to_score():
    index = read_source(Path("digits"))["all"].subset([])
    loader = evaluation_loader(index, recipes.find("digits").preparation, device="cpu")
    assert list(loader.epoch(0)) == []
    assert not Scores(10).counts().any()


def test_a_folder_that_another_process_writes_is_left_alone(tmp_path):
    folder = RunFolder(tmp_path / "run", writes=False)
    with folder.claimed():
        folder.write_json("history.json", [])
    assert not (tmp_path / "run").exists()


PRETENDED = {
    "torch": {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"},
    "paddle": {"PADDLE_TRAINER_ID": "1", "PADDLE_TRAINERS_NUM": "4", "PADDLE_LOCAL_SIZE": "4"},
}


@pytest.fixture(params=["torch", "paddle"])
def pretended(request, monkeypatch):
    """One of four processes, as far as the environment goes; it must not come to meeting the others."""
    for name, value in PRETENDED[request.param].items():
        monkeypatch.setenv(name, value)
    backend = request.getfixturevalue(f"{request.param}_backend")
    monkeypatch.setattr(backend, "join", lambda _: None)
    monkeypatch.setattr(backend, "sum_over_processes", lambda array, *, device: array * 0)
    return request.param


def test_the_launchers_variables_are_read(pretended, request):
    member = request.getfixturevalue(f"{pretended}_backend").launched()
    assert member[:3] == (1, 4, 4)
    assert not member.is_first


@pytest.mark.parametrize(
    ("flags", "message"),
    [(["--batch-size", "6"], "a multiple of 4"), (["--device", "gpu:0"], "say --device gpu")],
)
def test_requests_that_processes_cannot_share_are_refused(pretended, flags, message, capsys, tmp_path):
    code, _, err = trained(capsys, pretended, tmp_path / "run", *flags)
    assert (code, len(err)) == (2, 1), err
    assert message in err[0]


@pytest.mark.parametrize(("started", "backend_name"), [("torch", "paddle"), ("paddle", "torch")])
def test_the_other_frameworks_launcher_is_reported_with_the_right_one(
    started, backend_name, request, monkeypatch, capsys, tmp_path
):
    request.getfixturevalue(f"{backend_name}_backend")
    for name, value in PRETENDED[started].items():
        monkeypatch.setenv(name, value)
    code, out, err = trained(capsys, backend_name, tmp_path / "run")
    assert (code, out, len(err)) == (2, "", 1), err
    wanted = {
        "torch": "torchrun --nproc-per-node 4 -m",
        "paddle": "paddle.distributed.launch --nproc_per_node 4",
    }
    assert wanted[backend_name] in err[0]
    assert not (tmp_path / "run").exists()


def test_who_is_introduced_is_launched(backend, monkeypatch):
    """What we say to processes that no launcher has started is what a launcher says."""
    environment = {"HOME": "/"}
    monkeypatch.setattr(module(backend, "distributed").os, "environ", environment)
    member = Member(rank=1, ranks=3, local_ranks=3, gpu=1)
    backend.introduce(member, ports=[1001, 1002, 1003])
    assert backend.launched() == member
    assert "127.0.0.1" in json.dumps(environment)


def test_half_of_a_launchers_variables_is_refused(pretended, monkeypatch, capsys, tmp_path):
    for name in PRETENDED[pretended]:
        if name.endswith(("LOCAL_WORLD_SIZE", "LOCAL_SIZE")):
            monkeypatch.delenv(name)
    code, _, err = trained(capsys, pretended, tmp_path / "run")
    assert (code, len(err)) == (2, 1), err
    assert "with the framework's launcher" in err[0]


def test_commands_of_one_process_say_so(pretended, capsys, tmp_path):
    code, _, err = ended(
        evaluate.main,
        ["--backend", pretended, "--checkpoint", str(tmp_path), "--data", str(tmp_path)],
        capsys,
    )
    assert (code, len(err)) == (2, 1), err
