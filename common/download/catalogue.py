"""The published data sets: where they lie, how large they are, and their published checksums."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published file: ``size`` in bytes, ``checksum`` as algorithm:digest, and who published that."""

    url: str
    size: int
    checksum: str
    source: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set: its files, or the one archive that holds them in ``folder``.

    ``then`` indexes it.
    """

    folder: str
    files: Sequence[Published]
    packed: bool
    then: str  # the verb of common.dataset, and its flags, that makes lists of it


_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
# Digests from torchvision/datasets/mnist.py (0.29.1); the sizes are those of tensorflow/datasets.
_MNIST_FILES = (
    ("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    ("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
    ("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
    ("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
)

DATA_SETS = MappingProxyType(
    {
        "flowers": DataSet(
            folder="flower_photos",
            packed=True,
            then="split",
            files=[
                Published(
                    url="https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
                    size=228_813_984,
                    checksum="sha256:4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
                    source="tensorflow/datasets, url_checksums/tf_flowers.txt",
                )
            ],
        ),
        "mnist": DataSet(
            folder="mnist",
            packed=False,
            then="index",
            files=[
                Published(
                    url=f"{_MNIST}/{name}",
                    size=size,
                    checksum=f"md5:{digest}",
                    source="torchvision, mnist.py",
                )
                for name, size, digest in _MNIST_FILES
            ],
        ),
        "cifar10": DataSet(
            folder="cifar-10-batches-py",
            packed=True,
            then="index",
            files=[
                Published(
                    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                    size=170_498_071,
                    checksum="md5:c58f30108f718f92721af3b95e74349a",
                    source="the authors' page, and torchvision, cifar.py",
                )
            ],
        ),
        "hymenoptera": DataSet(
            folder="hymenoptera_data",
            packed=True,
            then="index",
            files=[
                Published(
                    url="https://download.pytorch.org/tutorial/hymenoptera_data.zip",
                    size=47_286_322,
                    checksum="sha256:fbc41b31d544714d18dd1230b1e2b455e1557766e13e67f9f5a7a23af7c02209",
                    source="pytorch/tutorials, .jenkins/download_data.py",
                )
            ],
        ),
    }
)
