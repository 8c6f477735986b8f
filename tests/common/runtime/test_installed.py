"""How large a package is with all that it requires, by the lists of files that wheels carry."""

import pytest

from common.runtime import installed
from common.runtime.installed import installed_bytes


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Makes distributions: their files' sizes, and what they require."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, *sizes, requires=()):
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
        lines = [f"{name}/{place}.so,sha256=x,{size}\n" for place, size in enumerate(sizes)]
        (folder / "RECORD").write_text("".join(lines))

    return make


def test_what_is_required_counts_once_and_only_where_it_is_required_here(site):
    site("frame-work", 100, 20, requires=["helper>=1", "Big.Lib", "other; sys_platform == 'nowhere'"])
    site("helper", 3, requires=["big_lib", "frame_work", "absent", "extra-only; extra == 'all'"])
    site("big-lib", 1000)
    for name in ("other", "extra-only"):
        site(name, 10**6)
    assert installed_bytes(["no-such", "frame-work"]) == 1123


def test_what_is_not_known_is_none(site, monkeypatch):
    assert installed_bytes(["no-such"]) is None
    site("unlisted")
    assert installed_bytes(["unlisted"]) is None
    site("odd", 7, requires=["not a requirement !"])
    assert installed_bytes(["odd"]) == 7
    monkeypatch.setattr(installed, "find_spec", lambda _: None)  # as in an interpreter without packaging
    assert installed_bytes(["odd"]) is None
