"""--both: for how many images both frameworks name the same class, and by how little where they do not."""

import json

import numpy as np
import pytest
from PIL import Image

from backends import evaluate, predict
from backends.inference import other_side
from backends.inference.agreement import Agreement, SideLogits, agreement_lines
from common.cli import UsageError
from common.weights import safetensors_file
from tests.support.commands import ended

NAMES = ("cat", "dog", "owl")
IMAGES = ("a.png", "b.png", "c.png", "d.png")
OURS = np.array([[1.0, 0, 0], [0, 2, 1], [0, 0, 3], [5, 0, 0]], np.float32)


def side(logits, places=(0, 1, 2, 3), images=IMAGES):
    return SideLogits.of([np.asarray(logits, np.float32)], places, images)


def agreement(theirs, places=(0, 1, 2, 3), **more):
    return Agreement(sides={"torch": side(OURS), "paddle": side(theirs, places, **more)})


def test_small_differences_agree_and_a_turned_image_is_found_with_its_margins():
    found = agreement(OURS + 0.25).to_json(NAMES, IMAGES.__getitem__, np.array([0, 1, 2, 1]))
    assert (found["agree"], found["images"], found["top1_agreement"]) == (4, 4, 1.0)
    assert (found["disagreements"], found["top1_error"]) == ([], {"torch": 0.25, "paddle": 0.25})
    turned = OURS.copy()
    turned[1] = [0, 1.5, 1.75]
    found = agreement(turned).to_json(NAMES, IMAGES.__getitem__)
    assert found["top1_agreement"] == 0.75
    assert found["disagreements"] == [
        {
            "image": "b.png",
            "torch": {"class": "dog", "margin": 1.0},
            "paddle": {"class": "owl", "margin": 0.25},
            "difference": 0.75,
        }
    ]
    lines = agreement_lines(found)
    assert lines[0] == "torch and paddle name the same class for 3 of 4 images (75.00%)"
    assert lines[1] == "  b.png: torch dog by 1, paddle owl by 0.25; logits apart by 0.75"


def test_what_is_no_number_agrees_with_nothing_and_what_one_side_lacks_is_counted():
    broken = OURS[:3].copy()
    broken[0] = np.nan
    found = agreement(broken, (0, 1, 2)).to_json(NAMES, IMAGES.__getitem__)
    assert (found["images"], found["agree"], found["on_one_side_only"]) == (3, 2, 1)
    assert found["disagreements"][0]["paddle"] == {"class": None, "margin": None}
    assert found["disagreements"][0]["difference"] is None
    both = Agreement(sides={name: side(broken, (0, 1, 2)) for name in ("torch", "paddle")})
    assert both.to_json(NAMES, IMAGES.__getitem__)["agree"] == 2


def test_a_long_list_is_cut_and_counted():
    many = np.tile(OURS[:1], (1500, 1))
    images = [f"{number}.png" for number in range(1500)]
    sides = {"torch": side(many, range(1500), images), "paddle": side(-many, range(1500), images)}
    found = Agreement(sides=sides).to_json(NAMES, images.__getitem__)
    assert (len(found["disagreements"]), found["disagreements_left_out"]) == (1000, 500)
    assert agreement_lines(found)[-1] == "  and 1,490 more"


def test_other_images_or_classes_are_refused():
    with pytest.raises(UsageError, match="were given other images"):
        agreement(OURS, images=("e.png", *IMAGES[1:]))
    with pytest.raises(UsageError, match="other numbers of classes: torch 3 and paddle 2"):
        agreement(OURS[:, :2])


@pytest.fixture
def checkpoint(tmp_path, torch_backend, paddle_backend, monkeypatch):
    """A checkpoint of lenet5 and four images; the other side runs in this process."""
    model = torch_backend.build("lenet5", num_classes=10, channels=1, precision="fp32", device="cpu")
    safetensors_file.save(tmp_path / "lenet.safetensors", torch_backend.get_weights(model))
    rng, folder = np.random.default_rng(0), tmp_path / "images"
    folder.mkdir()
    for name in IMAGES:
        Image.fromarray(rng.integers(256, size=(32, 32), dtype=np.uint8)).save(folder / name)
    (folder / "all.txt").write_text("".join(f"{name}\t{place}\n" for place, name in enumerate(IMAGES)))
    commands = {"backends.evaluate": evaluate.main, "backends.predict": predict.main}
    monkeypatch.setattr(other_side, "run_program", lambda name, given: (commands[name](given), ""))
    return ["--checkpoint", str(tmp_path / "lenet.safetensors"), "--model", "lenet5", "--threads", "1"]


def test_evaluate_and_predict_say_how_far_both_agree(checkpoint, tmp_path, capsys):
    outputs = ["--json", str(tmp_path / "r.json"), "--both"]
    asked = ["--backend", "torch", *checkpoint, *outputs]
    code, out, _ = ended(evaluate.main, [*asked, "--data", str(tmp_path / "images/all.txt")], capsys)
    found = json.loads((tmp_path / "r.json").read_text())["both"]
    assert (code, found["images"], found["agree"]) == (0, 4, 4)
    assert found["top1_error"]["torch"] == found["top1_error"]["paddle"]
    assert "name the same class for 4 of 4 images (100.00%)" in out
    paths = [str(tmp_path / "images" / name) for name in IMAGES]
    code, out, _ = ended(predict.main, [*asked, *paths], capsys)
    rows = json.loads((tmp_path / "r.json").read_text())
    assert (code, len(rows)) == (0, 4)
    assert all(row["agree"] and row["other_class"] == row["predictions"][0]["class"] for row in rows)
    assert "name the same class for 4 of 4 images" in out


def test_what_the_other_side_cannot_do_is_said_in_its_words(checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(other_side, "run_program", lambda *_: (2, "x.pdparams: no such file"))
    asked = ["--backend", "torch", *checkpoint, "--both", "--data", str(tmp_path / "images/all.txt")]
    code, _, errors = ended(evaluate.main, asked, capsys)
    assert (code, errors) == (2, ["backends.evaluate: --both: paddle: x.pdparams: no such file"])
    more = ["--other-checkpoint", "x.pdparams"]
    asked.remove("--both")
    code, _, errors = ended(evaluate.main, [*asked, *more], capsys)
    assert (code, "changes nothing without --both" in errors[0]) == (2, True)
    code, _, errors = ended(evaluate.main, [*asked, "--both", "--torch", "m:net"], capsys)
    assert (code, "--paddle MODULE:CALLABLE" in errors[0]) == (2, True)


def test_more_flags_stand_before_what_is_no_flag():
    assert other_side.with_flags(["--both", "--", "-a.png"], ["--backend", "x"]) == [
        "--backend",
        "x",
        "--",
        "-a.png",
    ]
