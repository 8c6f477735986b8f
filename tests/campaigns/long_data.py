"""Seconds and memory of long lists and of many photographs, each in a process of its own.

    python -m tests.campaigns.long_data [--lines 1000000] [--photos 300 --checkpoint FILE --backend torch]

Goals for a million lines: 3 s of CPU and 300 MB to index, 300 MB to check. For predict the peak must not grow
with the number of photographs: it is measured for a tenth of them and for all.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.support.paths import ROOT

SIDES = (4000, 3000)  # of a photograph of 12 megapixels


def measured(*arguments):
    """(CPU seconds, peak MB) of a command, whose output is not looked at."""
    command = [sys.executable, "-m", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def show(what, figures):
    print(f"{what:40} {figures[0]:7.1f} s of CPU {figures[1]:7.0f} MB", flush=True)


def long_list(folder, lines):
    path = folder / "long.txt"
    with path.open("w") as file:
        for number in range(lines):
            label = number % 1000
            file.write(f"images/class_{label:04d}/photo_{number:08d}_of_the_data_set.jpg\t{label}\n")
    show(f"index {lines:,} lines", measured("common.dataset", "index", path, "--output", folder / "lists"))
    show(f"check {lines:,} lines, images missing", measured("common.dataset", "check", path))
    present = folder / "images" / "class_0000"
    present.mkdir(parents=True)
    # One small image under many names: links, so that each is decoded and all are copies of one.
    Image.new("RGB", (8, 8)).save(folder / "one.png")
    with path.open("w") as file:
        for number in range(lines // 10):
            (present / f"{number}.png").symlink_to(folder / "one.png")
            file.write(f"images/class_0000/{number}.png\t0\n")
    json = folder / "bad.json"
    show(f"check {lines // 10:,} copies", measured("common.dataset", "check", path, "--json", json))


def many_photos(folder, photos, *, checkpoint, backend):
    folder.mkdir(exist_ok=True)
    Image.effect_noise(SIDES, 60).convert("RGB").save(folder / "photo.jpg", quality=90)
    for count in (photos // 10, photos):
        names = [folder / f"{number}.jpg" for number in range(count)]
        for name in names:
            name.unlink(missing_ok=True)
            name.symlink_to(folder / "photo.jpg")
        how = ["--backend", backend, "--checkpoint", checkpoint, "--top", "1", "--json", folder / "p.json"]
        show(f"predict {count} photos on {backend}", measured("backends.predict", *how, *names))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--checkpoint", type=Path, help="of any model; without it nothing is predicted")
    parser.add_argument("--backend", choices=("torch", "paddle"), default="torch")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.lines:
            long_list(Path(name), options.lines)
        if options.checkpoint:
            how = {"checkpoint": options.checkpoint.resolve(), "backend": options.backend}
            many_photos(Path(name) / "photos", options.photos, **how)


if __name__ == "__main__":
    main()
