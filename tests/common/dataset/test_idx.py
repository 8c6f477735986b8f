"""MNIST's files, gzipped or not, whole or damaged."""

import struct

import numpy as np
import pytest

from common.cli import UsageError
from common.dataset import read_source
from tests.support.idx_files import LABELS, PIXELS, idx_bytes, write_idx


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files(tmp_path, zipped):
    write_idx(tmp_path, zipped=zipped)
    write_idx(tmp_path, name="t10k", zipped=zipped)
    parts = read_source(tmp_path)
    assert {part: index.labels.tolist() for part, index in parts.items()} == dict.fromkeys(
        ("train", "test"), LABELS.tolist()
    )
    assert parts["train"].classes == ("0", "1", "2")
    assert np.array_equal(np.asarray(parts["train"].decode(3, channels=1)), PIXELS[3])
    assert parts["train"].decode(3, channels=3).mode == "RGB"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"images": idx_bytes(PIXELS)[:-1]}, "119 bytes where its header says 120"),
        ({"images": idx_bytes(PIXELS) + b"x"}, "more bytes where its header says 120"),
        ({"images": idx_bytes(LABELS)}, "no idx file of bytes in 3 dimensions (it begins '00000801')"),
        ({"images": b""}, "no idx file"),
        ({"images": struct.pack(">BBBB3I", 0, 0, 8, 3, 1 << 31, 2, 2)}, "claims to hold"),
        ({"labels": idx_bytes(LABELS[:5])}, "5 labels for the 6 images"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_damaged_idx_files_are_named(tmp_path, damage, message, zipped):
    folder = write_idx(tmp_path / "idx", zipped=zipped, **damage)
    with pytest.raises(UsageError) as error:
        read_source(folder)
    assert message in str(error.value)
    assert str(folder) in str(error.value)


def test_a_gzip_file_that_is_cut_or_no_gzip(tmp_path):
    folder = write_idx(tmp_path / "idx", zipped=True)
    images = folder / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    for content in (whole[:-9], b"no gzip at all"):
        images.write_bytes(content)
        with pytest.raises(UsageError, match="damaged or cut short"):
            read_source(folder)
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    images.write_bytes(whole)
    with pytest.raises(UsageError, match="no label file beside"):
        read_source(folder)
