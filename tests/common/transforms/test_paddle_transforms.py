"""Transforms are paddle.vision's too, to the byte, except for the differences that are listed here."""

import random

import numpy as np
import pytest
from PIL import Image

from common import transforms as ours
from common.dataset import read_list
from common.transforms.color import Jitter
from tests.support.pictures import PICTURES, equal, picture

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def theirs(paddle_backend):
    import paddle.vision.transforms

    assert paddle.vision.get_image_backend() == "pil"
    return paddle.vision.transforms


@pytest.fixture(scope="module", params=PICTURES)
def image(request):
    return picture(request.param)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Resize", [(33, 57)]),
        ("Resize", [64]),
        ("Resize", [65]),
        ("CenterCrop", [(18, 17)]),
        ("CenterCrop", [(19, 18)]),
        ("CenterCrop", [16]),
        ("Pad", [3]),
        ("Pad", [(1, 4)]),
        ("Pad", [5, 0, "edge"]),
        ("Pad", [(1, 2, 3, 4), 0, "reflect"]),
        ("Pad", [2, 0, "symmetric"]),
        ("Grayscale", [1]),
        ("Grayscale", [3]),
    ],
)
def test_what_draws_nothing_is_paddles(theirs, image, name, arguments):
    assert equal(getattr(ours, name)(*arguments)(image), getattr(theirs, name)(*arguments)(image))


def test_padding_with_a_colour_is_paddles(theirs, image):
    fill = (7, 8, 9) if image.mode == "RGB" else 7
    assert equal(ours.Pad((1, 2, 3, 4), fill)(image), theirs.Pad((1, 2, 3, 4), fill)(image))


def test_another_interpolation_is_seen(theirs, image):
    assert not equal(ours.Resize((20, 20))(image), theirs.Resize((20, 20), "bicubic")(image))


def test_arrays_are_paddles(theirs, image):
    array, tensor = ours.ToArray()(image), theirs.ToTensor()(image)
    assert np.array_equal(array, tensor.numpy())
    mean, std = MEAN[: len(array)], STD[: len(array)]
    assert np.array_equal(ours.Normalize(mean, std)(array), theirs.Normalize(mean, std)(tensor).numpy())


@pytest.mark.parametrize("size", [(224, 224), 64])
def test_real_photographs_are_evaluated_as_paddle_does(theirs, flowers_list, size):
    index = read_list(flowers_list)
    mine = ours.Compose([ours.Resize(size), ours.ToArray(), ours.Normalize(MEAN, STD)])
    reference = theirs.Compose([theirs.Resize(size), theirs.ToTensor(), theirs.Normalize(MEAN, STD)])
    for position in range(0, 500, 50):
        image = index.decode(position, channels=3)
        assert np.array_equal(mine(image), reference(image).numpy())


def test_crops_and_mirrors_are_paddles(theirs, image):
    transform = ours.RandomResizedCrop((24, 40))
    for seed in range(10):
        part = transform.draw(image.size, np.random.default_rng(seed))
        expected = theirs.resize(theirs.crop(image, *part), (24, 40))
        assert equal(transform.apply(image, part), expected)
    assert equal(ours.RandomHorizontalFlip().apply(image, True), theirs.hflip(image))


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0, 1.7])
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_colours_are_paddles(theirs, image, name, factor):
    from paddle.vision.transforms import functional

    factors = {"brightness": None, "contrast": None, "saturation": None, "hue": None, name: factor}
    expected = getattr(functional, f"adjust_{name}", None) or getattr(functional.F_pil, f"adjust_{name}")
    assert equal(ours.ColorJitter().apply(image, Jitter((0, 1, 2, 3), **factors)), expected(image, factor))


@pytest.mark.parametrize("hue", [-0.5, -0.3, -0.001, 0.0, 0.07, 0.5])
def test_hues_are_paddles(theirs, image, hue):
    jitter = Jitter((0, 1, 2, 3), None, None, None, hue)
    assert equal(ours.ColorJitter().apply(image, jitter), theirs.adjust_hue(image, hue))


def test_crops_are_drawn_as_paddle_draws_them(theirs):
    from scipy.stats import ks_2samp

    random.seed(0)
    np.random.seed(0)  # paddle draws from both
    rng, blank, many = np.random.default_rng(0), Image.new("L", (320, 240)), 2000
    drawn = np.array([ours.RandomResizedCrop(9).draw(blank.size, rng) for _ in range(many)])
    reference = theirs.RandomResizedCrop(9)
    expected = np.array([reference._dynamic_get_param(blank) for _ in range(many)])
    other = np.array([ours.RandomResizedCrop(9, scale=(0.12, 1)).draw(blank.size, rng) for _ in range(many)])
    for column in range(4):
        assert ks_2samp(drawn[:, column], expected[:, column]).pvalue > 1e-4
    areas = [parts[:, 2] * parts[:, 3] for parts in (other, expected)]
    assert ks_2samp(*areas).pvalue < 1e-4


# What follows differs in paddle.vision 3.3.1. We do as torchvision does; a test that turns red here
# says that paddle has changed.


def test_difference_a_number_to_pad_with_is_packed_by_paddle(theirs):
    """``fill=7`` on RGB: grey (7, 7, 7) in torchvision and here; Pillow's packed colour, red, in paddle."""
    image = Image.new("RGB", (2, 2), (50, 60, 70))
    assert ours.Pad(1, 7)(image).getpixel((0, 0)) == (7, 7, 7)
    assert theirs.Pad(1, 7)(image).getpixel((0, 0)) == (7, 0, 0)
    assert equal(ours.Pad(1, (7, 0, 0))(image), theirs.Pad(1, 7)(image))


@pytest.mark.parametrize(("missing", "differs"), [(1, False), (2, False), (3, True), (4, False), (7, True)])
def test_difference_paddle_pads_a_centre_crop_one_pixel_further_left(theirs, missing, differs):
    """Where the crop is wider or higher than the image by 3, 7, 11, ...: half of that is rounded to even."""
    image = Image.new("L", (10, 10), 255)
    mine, reference = (crop((10, 10 + missing))(image) for crop in (ours.CenterCrop, theirs.CenterCrop))
    assert equal(mine, reference) != differs
    if differs:
        assert np.array_equal(np.roll(np.asarray(mine), 1, axis=1), np.asarray(reference))


def test_difference_paddle_names_the_probability_of_a_flip_otherwise(theirs):
    assert ours.RandomHorizontalFlip(p=1.0).p == theirs.RandomHorizontalFlip(prob=1.0).prob == 1.0
    with pytest.raises(TypeError):
        theirs.RandomHorizontalFlip(p=1.0)


def test_difference_paddle_has_no_lighting(theirs):
    assert not hasattr(theirs, "PCALighting")


def test_difference_paddle_draws_from_global_generators(theirs):
    """So its augmentation depends on the number of workers and on everything else that draws."""
    image = Image.fromarray(np.random.default_rng(0).integers(256, size=(8, 8, 3), dtype=np.uint8))
    random.seed(0)
    first = theirs.ColorJitter(0.9)(image)
    assert not equal(first, theirs.ColorJitter(0.9)(image))
    random.seed(0)
    assert equal(first, theirs.ColorJitter(0.9)(image))
