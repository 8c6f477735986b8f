"""Images kept in memory for the next epoch, as far as a budget goes."""

import threading

from PIL import Image

from common.dataset.index import Index
from common.transforms import Transform


class ImageCache:
    """Images of an index, decoded and put through a transform; the first that fit into a budget are kept.

    Nothing is ever thrown out: epochs visit every image once in random order, so any image kept saves as
    much as any other, and replacing them by age would keep few until they are needed.
    """

    def __init__(self, index: Index, transform: Transform, *, channels: int, budget_bytes: int) -> None:
        self.index, self.transform, self.channels = index, transform, channels
        self.budget_bytes, self.used_bytes = budget_bytes, 0
        self._kept: dict[int, Image.Image] = {}
        self._lock = threading.Lock()

    def get(self, position: int) -> Image.Image:
        """The transformed image at a position; callers must not change it. Raises DecodeError."""
        image = self._kept.get(position)
        if image is None:
            image = self.transform(self.index.decode(position, channels=self.channels))
            assert isinstance(image, Image.Image)
            size = image.width * image.height * (4 if self.channels == 3 else 1)  # Pillow pads RGB
            with self._lock:
                if position not in self._kept and self.used_bytes + size <= self.budget_bytes:
                    self._kept[position] = image
                    self.used_bytes += size
        return image
