"""Caches give the same pixels, keep their budget, and save decoding."""

import pytest
from PIL import Image

from common.dataset.index import Index
from common.loader.cache import DiskCache, MemoryCache
from common.transforms.preprocessing import training_preprocessing
from tests.loading import SHAPE, loaded, same


@pytest.fixture(params=["memory", "disk"])
def make_cache(request, tmp_path):
    def make(budget_bytes):
        folder = tmp_path / "cache"
        return MemoryCache(budget_bytes) if request.param == "memory" else DiskCache(folder, budget_bytes)

    return make


@pytest.mark.parametrize("budget", [0, 12_000, 1_000_000])
def test_a_cache_changes_no_pixel_and_keeps_its_budget(index, make_cache, budget):
    cache = make_cache(budget)
    loader = loaded(index, preprocessing=training_preprocessing(SHAPE), cache=cache, workers=2)
    for epoch in (0, 1):
        plain = loaded(index, preprocessing=training_preprocessing(SHAPE))
        assert same(loader.epoch(epoch), plain.epoch(epoch))
    assert 0 <= cache.used_bytes <= budget
    assert (cache.used_bytes == 0) == (budget == 0)


def test_a_cache_decodes_each_image_once(index, make_cache, monkeypatch):
    decoded = []
    decode = Index.decode
    monkeypatch.setattr(
        Index,
        "decode",
        lambda self, at, *, channels: decoded.append(at) or decode(self, at, channels=channels),
    )
    loader = loaded(index, cache=make_cache(1_000_000))
    for epoch in range(3):
        list(loader.epoch(epoch))
    assert sorted(decoded) == list(range(7))


def test_what_was_cached_on_disk_is_used_later_unless_it_changed_or_is_damaged(index, tmp_path):
    list(loaded(index, cache=DiskCache(tmp_path / "cache", 1_000_000)).epoch(0))
    again = DiskCache(tmp_path / "cache", 1_000_000)
    entries = sorted((tmp_path / "cache").iterdir())
    assert len(entries) == 7
    entries[0].write_bytes(entries[0].read_bytes()[:50])
    Image.new("RGB", (9, 9), "red").save(index.locate(2).with_suffix(".png"))
    index.locate(2).write_bytes(index.locate(2).with_suffix(".png").read_bytes())
    assert same(loaded(index, cache=again).epoch(0), loaded(index).epoch(0))
