"""Planted pairs on a page: what float32 hides, what is rounding, what one photograph shows."""

from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from benchmarks.parity.plan import GATE, Plan
from benchmarks.parity.variants import run as running
from benchmarks.parity.variants.compare import Wanted
from benchmarks.parity.variants.page import render
from benchmarks.parity.variants.pictures import read_images
from benchmarks.parity.variants.sentences import finding_sentence
from benchmarks.request.model_pair import ModelPair
from common.language import Language
from tests.benchmarks.parity.variants import networks

IMAGES, BRIGHT = 40, 17


class Kept:
    """Workers that other tests keep as well."""

    alive = True

    def __init__(self, scratch, sides):
        self.scratch, self._sides = scratch, sides

    def sides(self):
        return self._sides

    def versions(self):
        return {"torch": {"torch": "2"}, "paddle": {"paddle": "3"}}

    def end(self):
        raise AssertionError("no worker is lost here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's folder: both modules, a list of images, one of which is bright and one damaged."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "page_torch.py").write_text(networks.TORCH)
    (folder / "page_paddle.py").write_text(networks.PADDLE)
    rng = np.random.default_rng(0)
    for number in range(IMAGES):
        pixels = (
            rng.integers(250, 256, (12, 12, 3)) if number == BRIGHT else rng.integers(0, 200, (12, 12, 3))
        )
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    (folder / "3.png").write_bytes(b"no picture")
    lines = [f"{number}.png\t0\n" for number in range(IMAGES)]
    (folder / "photos.txt").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def page(folder, workers, workers_scratch):
    """The page of every pair, made with the workers that are there."""

    @contextmanager
    def kept_workers(*_, **__):
        yield Kept(workers_scratch, workers)

    wanted = [
        Wanted(
            name=name,
            subject=ModelPair(
                num_classes=6 if name == "tied" else 8,
                input_shape=(3, 8, 8),
                sources={side: f"page_{side}:{name}" for side in ("torch", "paddle")},
                folder=str(folder),
            ),
            images=read_images(folder / "photos.txt"),
        )
        for name in networks.NAMES
    ]
    plan = Plan(stages=(*GATE, "float32"), optimizers=("adam",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "kept_workers", kept_workers)
        how = {"request": {"images": "x", "batch_size": 2, "stages": ["forward"], "command": "again"}}
        return running.run_variants(
            wanted, plan, folder / "report", timeout=60, on_row=lambda *_: None, **how
        )


@pytest.fixture
def rows(page):
    return {row.name: row for row in page.variants}


def test_every_pair_has_its_verdict(rows):
    found = {name: (row.verdict, row.finding) for name, row in rows.items()}
    assert found == {
        "same": ("pass", "rounding"),
        "epsilon": ("fail", "hidden fault"),
        "bright": ("fail", "fault"),
        "raising": ("incomplete", "unknown"),
        "coarse": ("fail", "unexplained"),
        "large": ("pass", "rounding"),
        "tied": ("pass", "rounding"),
    }


def test_a_fault_that_float32_hides_is_named_with_its_lines(rows, folder):
    row = rows["epsilon"]
    assert row.logits.float32_max < 1e-5  # and a usual limit is 1e-4
    assert row.logits.float64_max > 1e-9
    assert (row.fault.stage, row.fault.layer) == ("forward", "norm")
    assert row.fault.places == [
        f"{folder}/page_torch.py:10: self.norm = nn.BatchNorm2d(4)",
        f"{folder}/page_paddle.py:10: self.norm = nn.BatchNorm2D(4, epsilon=epsilon)",
    ]
    assert "would pass a limit of 0.0001, and is a fault all the same" in finding_sentence(Language(), row)


def test_a_large_distance_that_is_rounding_is_said_to_be(rows):
    row = rows["large"]
    assert row.logits.float32_max > 1e-4
    assert row.logits.float64_max < 1e-8  # of logits of 1e4
    assert "is rounding" in finding_sentence(Language(), row)


def test_what_float32_alone_computes_otherwise_is_no_rounding(rows):
    """Half precision inside float32: float64 agrees, and float32 is further from it than rounding goes."""
    row = rows["coarse"]
    assert row.fault.stage == "float32"
    assert "is more than rounding explains, although float64 agrees" in finding_sentence(Language(), row)


def test_both_sides_predict_every_image_that_can_be_decoded(rows):
    row = rows["same"]
    assert (row.images.images, row.images.left_out) == (IMAGES - 1, 1)
    assert (row.images.top1_agreed, row.images.top5_agreed) == (IMAGES - 1, IMAGES - 1)
    assert (row.features.layer, row.features.images) == ("fc", IMAGES - 1)
    assert 0 < row.features.float32_max < 1e-4
    assert row.features.float64_max < 1e-12


def test_the_photograph_that_departs_is_what_the_stages_run_on(rows):
    """A drawn batch would not show it."""
    assert rows["bright"].fault.stage == "forward"
    assert rows["bright"].logits.float32_max == pytest.approx(1e-2, rel=1e-2)


def test_a_pair_that_raises_is_a_row_and_loses_no_other(rows):
    row = rows["raising"]
    assert "ValueError: no such twin" in row.reason
    assert "page_paddle.py:" in row.reason
    assert (row.stages, row.logits) == ([], None)


def test_images_of_two_nearly_tied_classes_are_listed_with_margins(rows, page):
    """Rounding alone chooses between two logits that are 1e-9 apart."""
    found = rows["tied"].images
    assert 0 < found.disagreements_total == IMAGES - 1 - found.top1_agreed
    for each in found.disagreements:
        assert {each.float32.torch_class, each.float32.paddle_class} == {0, 1}
        assert max(each.float32.torch_margin, each.float32.paddle_margin) < 1e-5
    checked = [each for each in found.disagreements if each.float64]
    assert {each.float64.torch_class for each in checked} == {1}
    assert "nearly tied: in float64 both say 1, with a margin of 1.0e-09" in render(
        page, "report.md", language="en"
    )


def test_the_pages_show_every_row(page):
    for language, tag in (("en", "en"), ("zh", "zh-CN")):
        html = render(page, "report.html", language=language)
        assert f'<html lang="{tag}">' in html
        for name in networks.NAMES:
            assert f'<th scope="row">{name} 3x8x8</th>' in html
        assert "page_paddle.py:10: self.norm" in html
