"""Images that a request reads inside the measured time."""

from pathlib import Path

import numpy as np

from benchmarks.request.job import ImageSource
from benchmarks.request.request import Request
from common import dataset
from common.cli import UsageError
from common.dataset.decoding import DecodeError
from common.engines.int8 import MOST_IMAGES, save_images
from common.transforms.preprocessing import Preprocessing, evaluation_preprocessing, of_each_channel


def require_data(request: Request) -> None:
    """Raise UsageError now if the list or an image that it names cannot be read as asked."""
    if request.data is not None:
        index = dataset.read_list(request.data, root=request.root)
        dataset.require_images(index)
        dataset.require_labels(index, num_classes=request.num_classes)
    if request.calibrate is not None:
        dataset.require_images(dataset.read_list(request.calibrate))
        _prepared(request)


def write_calibration(request: Request, path: Path) -> None:
    """Write the images that int8 is calibrated on, and those that judge it, as evaluation prepares them.

    They lie evenly over the list. Raises UsageError where it has not two.
    """
    assert request.calibrate is not None, "int8 is refused without"
    index = dataset.read_list(request.calibrate)
    if len(index) < 2:
        raise UsageError(f"{request.calibrate}: one image to calibrate on and one to judge by are needed")
    channels, prepared = request.input_shape[0], _prepared(request)
    chosen = np.linspace(0, len(index) - 1, min(len(index), 2 * MOST_IMAGES)).round().astype(int)
    try:
        images = [prepared(index.decode(place, channels=channels)) for place in chosen.tolist()]
    except DecodeError as error:
        raise UsageError(f"--calibrate {request.calibrate}: {error}") from None
    save_images(path, np.stack(images))


def _prepared(request: Request) -> Preprocessing:
    """How images of ``--calibrate`` are prepared. Raises UsageError for a wrong number of channels."""
    mean, std = (
        values and of_each_channel(values, request.input_shape[0], flag=flag)
        for flag, values in (("--mean", request.mean), ("--std", request.std))
    )
    return evaluation_preprocessing(request.input_shape, mean=mean, std=std)


def image_source(request: Request) -> ImageSource | None:
    """Source of images for workers; None where no list is named."""
    if request.data is None:
        return None
    return ImageSource(
        list=str(request.data),
        root=str(request.root) if request.root else None,
        input_shape=request.input_shape,
        loader=request.loader,
        workers=request.workers,
        augment=request.augment,
        seed=request.seed,
    )
