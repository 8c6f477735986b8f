"""Damaged copies of real images, decoded in a process that may crash, hang or run out of memory.

    python -m tests.campaigns.corruption [--seed 0] [--count 10000] [--data DIR]
        [--memory-mib 1536] [--seconds 20]

The originals are the images below DIR, and photographs among them saved again in every format that
Pillow writes. Copies depend on the seed and the originals alone. Exit code 1 if a copy crashed the
process, raised anything but a DecodeError, took more memory or more seconds than allowed; those copies
are kept, and their paths printed.
"""

import argparse
import io
import random
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from common.dataset.split_names import IMAGE_SUFFIXES
from tests.support.decoding_process import DecodingProcess

SAVED_AS = (
    "AVIF",
    "BMP",
    "DDS",
    "GIF",
    "ICO",
    "JPEG",
    "JPEG2000",
    "PCX",
    "PNG",
    "PPM",
    "SGI",
    "TGA",
    "TIFF",
    "WEBP",
)
LARGEST = 300_000  # bytes of an original: larger ones cost time and have no other headers


def originals_below(folder, *, resaved=40):
    """The contents of the images below a folder, and of some of them in all formats."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    contents = [path.read_bytes() for path in paths if 0 < path.stat().st_size <= LARGEST]
    photographs = contents[:: max(len(contents) // resaved, 1)]
    return contents + [copy for content in photographs for copy in _in_all_formats(content)]


def made_originals(*, seed=0):
    """Noise in all formats, where no folder of real images is at hand."""
    pixels = np.random.default_rng(seed).integers(256, size=(48, 64, 3), dtype=np.uint8)
    return saved_in_all_formats(Image.fromarray(pixels))


def _in_all_formats(content):
    try:
        image = Image.open(io.BytesIO(content)).convert("RGB")
    except OSError:
        return []
    image.thumbnail((160, 160))
    return saved_in_all_formats(image)


def saved_in_all_formats(image):
    copies = []
    for name in SAVED_AS:
        buffer = io.BytesIO()
        image.save(buffer, name)
        copies.append(buffer.getvalue())
    return copies


def flipped(data, rng, _others):
    for _ in range(rng.randrange(1, 20)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def cut(data, rng, _others):
    del data[rng.randrange(len(data)) :]


def inserted(data, rng, _others):
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.randrange(1, 200))


def spliced(data, rng, others):
    """The beginning of another file, or of none that exists."""
    length = rng.randrange(1, 600)
    data[:length] = rng.choice(others)[:length] if rng.random() < 0.7 else rng.randbytes(rng.randrange(64))


def enlarged(data, rng, _others):
    """Another size in the header: the image's own width or height, wherever it is written near the start."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            sizes = image.size
    except Exception:
        return flipped(data, rng, _others)
    for size in sizes:
        for order, width in (("big", 4), ("little", 4), ("big", 2), ("little", 2)):
            at = data.find(size.to_bytes(width, order), 0, 1024)
            if at >= 0 and size < 1 << 16:
                larger = rng.randrange(size, 20_000)
                data[at : at + width] = larger.to_bytes(width, order)
                break
    return None


KINDS = (flipped, cut, inserted, spliced, enlarged)


def corrupted(originals, *, seed, number):
    """The copy of that number: (what was done to it, its bytes)."""
    rng = random.Random(f"{seed} {number}")
    kind, data = KINDS[number % len(KINDS)], bytearray(rng.choice(originals))
    kind(data, rng, originals)
    return kind.__name__, bytes(data)


def survey(
    originals,
    *,
    seed,
    numbers,
    folder,
    memory_mib=1536,
    seconds=20.0,
    decoder="common.dataset.decoding:decode",
):
    """Decode the copies of those numbers: a Counter of outcomes, the failures, and the costs in words."""
    outcomes, failures, slowest, peak = Counter(), [], (0.0, ""), 0
    with DecodingProcess(decoder, memory_mib=memory_mib, seconds=seconds) as process:
        for number in numbers:
            kind, data = corrupted(originals, seed=seed, number=number)
            path = folder / f"{seed}-{number}-{kind}"
            path.write_bytes(data)
            answer = process.decode(path)
            outcomes[answer.outcome] += 1
            slowest, peak = max(slowest, (answer.seconds, path.name)), max(peak, answer.peak_mib)
            if answer.failed:
                failures.append((path, answer.outcome))
            else:
                path.unlink()
    return outcomes, failures, f"peak memory {peak} MiB; slowest {slowest[1]}, {slowest[0]:.2f} s"


def main():
    parser = argparse.ArgumentParser(prog="tests.campaigns.corruption")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--data", type=Path, help="folder of real images (default: noise in all formats)")
    parser.add_argument("--memory-mib", type=int, default=1536)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # Pillow's, of the originals
    originals = originals_below(options.data) if options.data else made_originals()
    folder = Path(tempfile.mkdtemp(prefix="corrupted-"))
    outcomes, failures, costs = survey(
        originals,
        seed=options.seed,
        numbers=range(options.count),
        folder=folder,
        memory_mib=options.memory_mib,
        seconds=options.seconds,
    )
    for outcome, number in outcomes.most_common():
        print(f"{number:6} {outcome}")
    print(f"{options.count} copies of {len(originals)} originals, seed {options.seed}; {costs}")
    for path, outcome in failures:
        print(f"{path}: {outcome}", file=sys.stderr)
    if not failures:
        folder.rmdir()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
