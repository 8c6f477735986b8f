"""Images that a request reads inside the measured time."""

from benchmarks.request.job import ImageSource
from benchmarks.request.request import Request
from common import dataset


def require_data(request: Request) -> None:
    """Raise UsageError now if the list or an image that it names cannot be read as asked."""
    if request.data is not None:
        index = dataset.read_list(request.data, root=request.root)
        dataset.require_images(index)
        dataset.require_labels(index, num_classes=request.num_classes)


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
