"""What does a model see of an image?

torchvision's transforms with Pillow and NumPy inside, so that both frameworks see equal pixels.

Each is called as ``transform(image, rng)``; those that draw nothing ignore ``rng``. A random one is two
steps, ``draw`` and ``apply``, so that what was drawn can be given to another library.
Reference: https://docs.pytorch.org/vision/stable/transforms.html; paddle.vision's agree as well, except
for what tests/common/transforms/test_paddle_transforms.py lists.
"""

from common.transforms.base import Compose, Normalize, ToArray, Transform, is_random
from common.transforms.color import ColorJitter, Grayscale, PCALighting
from common.transforms.geometry import CenterCrop, Pad, RandomHorizontalFlip, RandomResizedCrop, Resize

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "Grayscale",
    "Normalize",
    "PCALighting",
    "Pad",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "Resize",
    "ToArray",
    "Transform",
    "is_random",
]
