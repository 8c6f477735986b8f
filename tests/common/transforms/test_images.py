"""What a model is given of an image is what torchvision would give it, bit for bit."""

import numpy as np
import pytest
from PIL import Image

from common.dataset import read_list
from common.transforms import Compose, Normalize, Resize, ToArray
from common.transforms import preprocessing as pixels
from common.transforms.preprocessing import Preprocessing, evaluation_preprocessing


@pytest.mark.parametrize("size", [(224, 224), (100, 37), 64])
def test_transforms_are_torchvisions(flowers_list, size):
    """Bit for bit, on real photographs; and a channel order that differs is seen."""
    torchvision = pytest.importorskip("torchvision")
    transforms = torchvision.transforms
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    theirs = transforms.Compose(
        [transforms.Resize(size), transforms.ToTensor(), transforms.Normalize(mean, std)]
    )
    ours = Compose([Resize(size), ToArray(), Normalize(mean, std)])
    index = read_list(flowers_list)
    for position in range(0, 500, 50):
        image = index.decode(position, channels=3)
        expected = theirs(image).numpy()
        assert np.array_equal(ours(image), expected)
        assert ours(image).dtype == expected.dtype == np.float32
        assert not np.array_equal(ours(image)[::-1], expected)


def test_grey_images_have_one_channel():
    image = Image.effect_noise((9, 9), 90).convert("L")
    assert evaluation_preprocessing((1, 8, 8))(image).shape == (1, 8, 8)


def test_photographs_are_turned_upright(tmp_path):
    image = Image.fromarray(np.zeros((10, 20, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter
    image.save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "list.txt").write_text("turned.jpg\t0\n")
    assert read_list(tmp_path / "list.txt").decode(0, channels=3).size == (10, 20)


@pytest.mark.parametrize("mean", [(), (0.485, 0.456, 0.406)])
@pytest.mark.parametrize("scale", [255.0, 1.0])
def test_scaling_in_place_is_scaling_one_image(mean, scale):
    """More images than are scaled together, one of them compared with the transforms."""
    std = tuple(0.5 * number for number in mean)
    preprocessing = Preprocessing(image=Compose([]), shape=(3, 5, 7), mean=mean, std=std, scale=scale)
    images = np.random.default_rng(0).integers(256, size=(19, 3, 5, 7), dtype=np.uint8)
    target = np.empty(images.shape, np.float32)
    preprocessing.scale_into(target, images)
    for image, scaled in zip(images, target, strict=True):
        expected = image.astype(np.float32) / np.float32(scale)
        assert np.array_equal(scaled, Normalize(mean, std)(expected) if mean else expected)
    alone = preprocessing(Image.fromarray(images[7].transpose(1, 2, 0)))
    assert np.array_equal(alone, target[7])


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (224, 224)])
@pytest.mark.parametrize("exported", [True, False])
def test_pixels_are_read_where_they_lie_or_copied(monkeypatch, mode, size, exported):
    if not exported:
        monkeypatch.setattr(pixels, "_export", lambda image: None)
    image = Image.effect_noise(size, 90).convert("L")
    if mode == "RGB":
        image = Image.merge(
            "RGB", (image, image.transpose(Image.Transpose.ROTATE_180), image.point(lambda x: 255 - x))
        )
    target = np.zeros((len(mode), size[1], size[0]), np.uint8)
    pixels.copy_planes(image, target)
    assert np.array_equal(target.transpose(1, 2, 0).squeeze(), np.asarray(image).squeeze())


def test_an_image_of_another_size_than_promised_is_refused():
    preprocessing = Preprocessing(image=Resize(8), shape=(3, 8, 8))
    with pytest.raises(ValueError, match=r"the transforms gave an image of 3x8x16, not \(3, 8, 8\)"):
        preprocessing(Image.new("RGB", (20, 10)))
    with pytest.raises(ValueError, match="must have 3 numbers"):
        Preprocessing(image=Resize(8), shape=(3, 8, 8), mean=(0.5,))
