"""How projects open an image when they leave loading to their framework."""

from PIL import Image

from common.dataset.decoding import MODES
from common.dataset.index import Index


def open_as_usual(index: Index, position: int, *, channels: int) -> Image.Image:
    """Pillow's image at a position as torchvision's ImageFolder opens it: converted, and nothing checked."""
    with index.locate(position).open("rb") as file, Image.open(file) as image:
        return image.convert(MODES[channels])
