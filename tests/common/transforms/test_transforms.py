"""Transforms are torchvision's: to the byte for what was drawn, and drawn from the same distributions."""

import numpy as np
import pytest
from PIL import Image

from common import transforms as ours
from common.transforms.color import IMAGENET_EIGENVALUES, IMAGENET_EIGENVECTORS, Jitter
from tests.support.pictures import PICTURES, equal, picture

torchvision = pytest.importorskip("torchvision")
theirs = torchvision.transforms
functional = torchvision.transforms.functional


@pytest.fixture(scope="module", params=PICTURES)
def image(request):
    return picture(request.param)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Resize", [(33, 57)]),
        ("Resize", [64]),
        ("CenterCrop", [(48, 60)]),
        ("CenterCrop", [31]),
        ("CenterCrop", [(25, 400)]),
        ("Pad", [3]),
        ("Pad", [(1, 4)]),
        ("Pad", [(1, 2, 3, 4), 7]),
        ("Pad", [5, 0, "edge"]),
        ("Pad", [(1, 2, 3, 4), 0, "reflect"]),
        ("Pad", [2, 0, "symmetric"]),
        ("Grayscale", [1]),
        ("Grayscale", [3]),
    ],
)
def test_what_draws_nothing_is_torchvisions(image, name, arguments):
    assert equal(getattr(ours, name)(*arguments)(image), getattr(theirs, name)(*arguments)(image))


def test_a_pixel_more_is_seen(image):
    assert not equal(ours.CenterCrop(18)(image), theirs.CenterCrop(19)(image))
    assert not equal(
        ours.Resize((20, 20))(image), theirs.Resize((20, 20), theirs.InterpolationMode.NEAREST)(image)
    )


def test_arrays_are_torchvisions(image):
    array = ours.ToArray()(image)
    tensor = theirs.ToTensor()(image)
    assert np.array_equal(array, tensor.numpy())
    mean, std = ([0.4] * len(array), [0.3] * len(array))
    assert np.array_equal(ours.Normalize(mean, std)(array), theirs.Normalize(mean, std)(tensor).numpy())


def test_crops_are_torchvisions(image):
    transform = ours.RandomResizedCrop((24, 40))
    for seed in range(20):
        part = transform.draw(image.size, np.random.default_rng(seed))
        assert equal(transform.apply(image, part), functional.resized_crop(image, *part, size=(24, 40)))
        assert equal(transform(image, np.random.default_rng(seed)), transform.apply(image, part))


def test_flips_are_torchvisions(image):
    transform = ours.RandomHorizontalFlip()
    assert equal(transform.apply(image, True), functional.hflip(image))
    assert equal(transform.apply(image, False), image)


@pytest.mark.parametrize("seed", range(8))
def test_jitter_is_torchvisions(image, seed):
    transform = ours.ColorJitter(0.4, 0.4, 0.4, 0.1)
    jitter = transform.draw(np.random.default_rng(seed))
    names = ("brightness", "contrast", "saturation", "hue")
    steps = [getattr(functional, f"adjust_{name}") for name in names]
    expected = image
    for step in jitter.order:
        expected = steps[step](expected, jitter[1 + step])
    assert equal(transform.apply(image, jitter), expected)


@pytest.mark.parametrize("hue", [-0.5, -0.3, -0.001, 0.0, 0.07, 0.5])
def test_hues_are_torchvisions(image, hue):
    jitter = Jitter((0, 1, 2, 3), None, None, None, hue)
    assert equal(ours.ColorJitter().apply(image, jitter), functional.adjust_hue(image, hue))


def same_distribution(one, other):
    from scipy.stats import ks_2samp

    return ks_2samp(one, other).pvalue > 1e-4


def test_crops_are_drawn_as_torchvision_draws_them():
    import torch

    torch.manual_seed(0)
    rng, size, many = np.random.default_rng(0), (320, 240), 3000
    blank = Image.new("L", size)
    drawn = np.array([ours.RandomResizedCrop(9).draw(size, rng) for _ in range(many)])
    expected = np.array(
        [theirs.RandomResizedCrop.get_params(blank, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(many)]
    )
    other = np.array([ours.RandomResizedCrop(9, scale=(0.12, 1.0)).draw(size, rng) for _ in range(many)])
    for column in range(4):
        assert same_distribution(drawn[:, column], expected[:, column])
    assert not same_distribution(other[:, 2] * other[:, 3], expected[:, 2] * expected[:, 3])


@pytest.mark.parametrize("size", [(1000, 10), (10, 1000), (5, 5)])
def test_crops_of_extreme_images_are_the_middle(size):
    blank = Image.new("L", size)
    narrow = {"scale": (4.0, 4.0)}  # no part is so large: every try fails
    part = ours.RandomResizedCrop(9, **narrow).draw(size, np.random.default_rng(0))
    assert part == tuple(theirs.RandomResizedCrop.get_params(blank, [4.0, 4.0], [3 / 4, 4 / 3]))


def test_jitter_is_drawn_as_torchvision_draws_it():
    import torch

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    transform = ours.ColorJitter(0.4, (0.5, 0.9), 2.0, 0.1)
    reference = theirs.ColorJitter(0.4, (0.5, 0.9), 2.0, 0.1)
    drawn = [transform.draw(rng) for _ in range(3000)]
    ranges = (reference.brightness, reference.contrast, reference.saturation, reference.hue)
    expected = [reference.get_params(*ranges) for _ in range(3000)]
    for position in range(1, 5):
        assert same_distribution([one[position] for one in drawn], [one[position] for one in expected])
    assert same_distribution([one.order[0] for one in drawn], [int(one[0][0]) for one in expected])
    assert transform.factors[2] == (0.0, 3.0)


def test_flips_happen_with_their_probability():
    rng = np.random.default_rng(0)
    for p in (0.0, 0.3, 1.0):
        flips = sum(ours.RandomHorizontalFlip(p).draw(rng) for _ in range(4000)) / 4000
        assert abs(flips - p) < 0.03


def test_lighting_is_the_papers():
    """Each pixel gets the same shift, the sum of alpha * eigenvalue * eigenvector; alphas are N(0, 0.1)."""
    transform, rng = ours.PCALighting(), np.random.default_rng(0)
    array = rng.random((3, 5, 4), dtype=np.float32)
    shift = transform.apply(array, [1.0, -2.0, 0.5]) - array
    vectors, values = np.array(IMAGENET_EIGENVECTORS), np.array(IMAGENET_EIGENVALUES)
    expected = vectors[:, 0] * values[0] - 2 * vectors[:, 1] * values[1] + 0.5 * vectors[:, 2] * values[2]
    np.testing.assert_allclose(shift, np.broadcast_to(expected[:, None, None], array.shape), atol=1e-6)
    assert transform(array, rng).dtype == np.float32
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-3)
    alphas = np.array([transform.draw(rng) for _ in range(4000)])
    assert np.allclose(alphas.std(axis=0), 0.1, atol=0.005)
    assert np.allclose(alphas.mean(axis=0), 0, atol=0.01)


def test_random_transforms_ask_for_their_generator(image):
    for transform in (ours.RandomHorizontalFlip(), ours.RandomResizedCrop(9), ours.ColorJitter(0.1)):
        with pytest.raises(ValueError, match="Generator"):
            transform(image)


@pytest.mark.parametrize("arguments", [{"brightness": -1}, {"hue": 0.6}, {"hue": (0.4, 0.1)}])
def test_jitters_that_make_no_sense(arguments):
    with pytest.raises(ValueError, match=r"negative|0\.5"):
        ours.ColorJitter(**arguments)
