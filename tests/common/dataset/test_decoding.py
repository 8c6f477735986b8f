"""Every file gives an image or a named reason: nothing crashes, hangs or takes all memory."""

import csv
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from common.dataset import decoding
from common.dataset.decoding import DecodeError, decode
from tests.support.paths import ROOT


def saved(path, pixels, *, mode=None, **options):
    image = Image.fromarray(np.asarray(pixels))
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(256, size=(40, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "LAB"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_rgb_or_grey(tmp_path, noise, mode, channels):
    path = tmp_path / "image.tif"
    if mode == "LAB":
        Image.fromarray(noise, mode="LAB").save(path)
    else:
        saved(path, noise, mode=mode)
    image = decode(path, channels=channels)
    assert (image.mode, image.size) == ({1: "L", 3: "RGB"}[channels], (30, 40))


def test_an_ordinary_file_is_what_torchvisions_loader_gives(tmp_path, noise):
    path = saved(tmp_path / "image.png", noise, mode="RGBA")
    assert decode(path, channels=3).tobytes() == Image.open(path).convert("RGB").tobytes() == noise.tobytes()


def test_lab_is_converted_and_not_relabelled(tmp_path):
    grey = np.zeros((2, 2, 3), np.uint8)
    grey[..., 0] = 136  # L* of middle grey, a* and b* of 0
    Image.fromarray(grey, mode="LAB").save(tmp_path / "image.tif")
    red, green, blue = decode(tmp_path / "image.tif", channels=3).getpixel((0, 0))
    assert max(red, green, blue) - min(red, green, blue) < 8
    assert 110 < red < 145


def test_sixteen_bits_keep_their_upper_eight(tmp_path):
    values = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    saved(tmp_path / "image.png", values)
    assert np.array_equal(np.asarray(decode(tmp_path / "image.png", channels=1)), values >> 8)


def test_an_animation_is_its_first_frame(tmp_path, noise):
    frames = [Image.fromarray(noise), Image.fromarray(255 - noise)]
    frames[0].save(tmp_path / "image.png", save_all=True, append_images=frames[1:])
    assert decode(tmp_path / "image.png", channels=3).tobytes() == noise.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_upright(tmp_path, orientation):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "image.png", pixels, exif=exif)
    upright = np.asarray(decode(path, channels=1))
    assert upright.shape == ((32, 16) if orientation >= 5 else (16, 32))
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    assert upright[corner[orientation]] == 255
    assert upright.astype(int).sum() == 255 * 64


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot identify image file"),
        (b"this is text", "cannot identify image file"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "cannot identify image file"),
    ],
)
def test_what_is_no_image_says_so(tmp_path, content, reason):
    path = tmp_path / "image.jpg"
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=reason):
        decode(path, channels=3)


def test_missing_truncated_and_huge_files(tmp_path, noise, monkeypatch):
    with pytest.raises(DecodeError, match="no such file"):
        decode(tmp_path / "missing.png", channels=3)
    path = saved(tmp_path / "image.png", noise)
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(DecodeError, match="OSError"):
        decode(path, channels=3)
    path = saved(tmp_path / "image.png", noise)
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1199)
    with pytest.raises(DecodeError, match="30x40 pixels are more than 1,199"):
        decode(path, channels=3)


def test_programs_are_not_run_for_a_format(tmp_path):
    """Pillow would hand PostScript to Ghostscript."""
    assert "EPS" not in decoding._formats()
    assert "JPEG" in decoding._formats()


@pytest.fixture
def odd(data_folder):
    """The folder of odd images, and what its manifest says of each."""
    folder = data_folder / "odd_images"
    with (folder / "MANIFEST.tsv").open() as file:
        rows = {row["file"]: row for row in csv.DictReader(file, delimiter="\t")}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files - rows.keys() == {"MANIFEST.tsv", "PILLOW_LICENSE"}
    return folder, rows


def refused(row):
    return row["pillow"].startswith("FAIL")


def test_the_odd_images_are_what_the_manifest_says(odd):
    folder, rows = odd
    assert sum(refused(row) for row in rows.values()) == 8
    for name, row in rows.items():
        if refused(row):
            kind = row["pillow"].removeprefix("FAIL ").partition(":")[0]
            with pytest.raises(DecodeError, match=f"^{kind}: "):
                decode(folder / name, channels=3)
            continue
        width, height = map(int, row["size"].split("x"))
        size = (height, width) if int(row["orientation"] or 1) >= 5 else (width, height)
        for channels, mode in decoding.MODES.items():
            image = decode(folder / name, channels=channels)
            assert (image.mode, image.size) == (mode, size), row


def test_odd_images_without_a_turn_and_of_eight_bits_have_pillows_pixels(odd):
    """Sixteen bits, LAB, and transparency in a palette or upright turning are ours to treat otherwise."""
    folder, rows = odd
    plain = [
        name
        for name, row in rows.items()
        if not refused(row) and row["mode"] in ("1", "L", "RGB", "CMYK") and row["orientation"] in ("", "1")
    ]
    assert len(plain) > 20
    for name in plain:
        expected = Image.open(folder / name).convert("RGB")
        assert decode(folder / name, channels=3).tobytes() == expected.tobytes(), name


def test_checking_the_odd_images_tells_the_bad_ones_and_nothing_else(odd, tmp_path):
    """Pillow's warnings of what it puts up with do not stand between the lines."""
    folder, rows = odd
    (tmp_path / "list.txt").write_text("".join(f"{name}\t0\n" for name in rows))
    command = [sys.executable, "-m", "common.dataset", "check", tmp_path / "list.txt", "--root", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"common.dataset: {tmp_path}/list.txt: 52 lines, 8 of them bad\n"
    *told, _ = done.stdout.splitlines()
    assert [line.split(": ")[1] for line in told] == [name for name, row in rows.items() if refused(row)]
    assert not [line for line in told if "'the file'" in line or len(line) > 400]
