"""Archives are unpacked below their target or refused whole, and each guard is needed for that."""

import gzip
import os
import tempfile
from pathlib import Path

import pytest

from common.download import archives
from tests.campaigns.corruption import corrupted
from tests.support.hostile_archives import FOLDER, hostile, tar_of, zip_of
from tests.support.mutation import without_each

LIMITS = {"max_bytes": 10_000, "max_members": 50}
OUTSIDE = Path(tempfile.gettempdir()) / f"outside-{os.getpid()}"
CASES = sorted(hostile(OUTSIDE))


def refusal(case, folder, module=archives):
    """Whether an archive is refused, and for the reason expected."""
    target = folder / "inside" / "target"
    target.mkdir(parents=True)
    suffix, content, expected = hostile(OUTSIDE)[case]
    archive = folder / f"archive{suffix}"
    archive.write_bytes(content)
    try:
        module.unpack(archive, target, **LIMITS)
    except module.ArchiveError as error:
        return expected in str(error)
    except Exception:  # what a module without its guard runs into
        return False
    finally:
        archive.unlink()
    return False


@pytest.mark.parametrize("case", CASES)
def test_hostile_archives_are_refused_and_nothing_lies_outside(case, tmp_path):
    assert refusal(case, tmp_path)
    assert not OUTSIDE.exists()
    outside = [
        path for path in tmp_path.rglob("*") if path.relative_to(tmp_path).parts[:2] != ("inside", "target")
    ]
    assert outside == [tmp_path / "inside"]
    assert not any(path.is_symlink() or path.name == "special" for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(("suffix", "archived"), [(".tgz", tar_of), (".zip", zip_of)])
def test_plain_archives_are_unpacked(suffix, archived, tmp_path):
    files = {f"{FOLDER}/a b.jpg": b"a" * 5000, f"{FOLDER}/deep/er/b": b"", f"./{FOLDER}/c": b"c"}
    (tmp_path / f"archive{suffix}").write_bytes(archived(*files.items()))
    (tmp_path / "target").mkdir()
    archives.unpack(tmp_path / f"archive{suffix}", tmp_path / "target", **LIMITS)
    found = {path for path in (tmp_path / "target").rglob("*") if path.is_file()}
    assert {path: path.read_bytes() for path in found} == {
        tmp_path / "target" / name: content for name, content in files.items()
    }
    assert all(path.stat().st_mode & 0o7111 == 0 for path in found)


GUARDS = [
    "allowance.take_member()",
    "_require_plain_name(name)",
    "allowance.take_bytes(len(chunk))",
    "_require_file_or_folder(member)",
    "_require_small_header(member)",
    "self.allowance.take_bytes(len(chunk))",
    "_require_plain_member(member)",
]


@pytest.mark.parametrize("guard", GUARDS)
def test_each_guard_is_needed(guard, tmp_path):
    mutated = list(without_each(Path(archives.__file__), guard))
    assert mutated
    for line, module in mutated:
        results = {case: refusal(case, tmp_path / f"{line} {case}", module) for case in CASES}
        OUTSIDE.unlink(missing_ok=True)  # where the guard kept the absolute path from being written
        assert not all(results.values()), f"{guard} in line {line} could go unnoticed"


@pytest.mark.parametrize(("suffix", "archived"), [(".tgz", tar_of), (".zip", zip_of)])
def test_damaged_archives_are_unpacked_or_refused(suffix, archived, tmp_path):
    content = archived(*((f"{FOLDER}/{number}", bytes(range(number))) for number in range(20)))
    if suffix == ".tgz":
        content = gzip.decompress(content)  # what is damaged below is the tar, not the checksum around it
    refusals = 0
    for number in range(200):
        _, data = corrupted([content], seed=0, number=number)
        archive, target = tmp_path / f"archive{suffix}", tmp_path / str(number)
        archive.write_bytes(gzip.compress(data) if suffix == ".tgz" else data)
        target.mkdir()
        try:
            archives.unpack(archive, target, **LIMITS)
        except archives.ArchiveError:
            refusals += 1
    assert refusals > 20
    assert len(list(tmp_path.iterdir())) == 201
