"""Images kept as they are once the part of their preparation that never changes is done."""

from dataclasses import replace
from typing import NamedTuple

from PIL import Image

from common.dataset.index import Index
from common.loader.cache import ImageCache, MemoryCache, NoCache
from common.transforms import Compose, Transform, is_random
from common.transforms.preprocessing import Preprocessing


class PreparedImages:
    """Stands before ``Index.decode`` of one index and gives transformed images.

    The first that fit into ``budget_bytes`` are kept. Without a lock: two threads that prepare the same
    image at once make the same image.
    """

    def __init__(self, transform: Transform, budget_bytes: int) -> None:
        self.transform, self.left_bytes = transform, budget_bytes
        self._kept: dict[int, Image.Image] = {}

    def decode(self, index: Index, position: int, *, channels: int) -> Image.Image:
        """See ``Index.decode``; the image has been transformed as well."""
        image = self._kept.get(position)
        if image is None:
            image = self.transform(index.decode(position, channels=channels))
            assert isinstance(image, Image.Image)
            size = image.width * image.height * (4 if channels == 3 else 1)  # Pillow pads RGB to four bytes
            if size <= self.left_bytes:
                self.left_bytes -= size
                self._kept[position] = image
        return image


class Kept(NamedTuple):
    """What a Loader is given so that work is not done again in each epoch."""

    preprocessing: Preprocessing
    cache: ImageCache


def kept(preprocessing: Preprocessing, *, budget_bytes: int) -> Kept:
    """Keep prepared images where nothing random is done to them, else decoded ones."""
    if not budget_bytes:
        return Kept(preprocessing, NoCache())
    if is_random(preprocessing.image):
        return Kept(preprocessing, MemoryCache(budget_bytes))
    return Kept(replace(preprocessing, image=Compose([])), PreparedImages(preprocessing.image, budget_bytes))
