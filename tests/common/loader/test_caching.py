"""A loader's cache gives the same pixels, keeps its budget, and saves decoding."""

import pytest

from common.dataset.index import Index
from common.transforms.preprocessing import evaluation_preprocessing, training_preprocessing
from tests.support.loading import SHAPE, loaded, same


@pytest.fixture(params=[training_preprocessing, evaluation_preprocessing])
def preprocessing(request):
    """With chance only decoded images can be kept; without, prepared ones are."""
    return request.param(SHAPE)


@pytest.mark.parametrize("budget", [0, 12_000, 1_000_000])
def test_a_cache_changes_no_pixel_and_keeps_its_budget(index, preprocessing, budget):
    loader = loaded(index, preprocessing=preprocessing, cache_bytes=budget, workers=2)
    for epoch in (0, 1):
        plain = loaded(index, preprocessing=preprocessing)
        assert same(loader.epoch(epoch), plain.epoch(epoch))
    assert 0 <= loader._cache.used_bytes <= budget
    assert (loader._cache.used_bytes == 0) == (budget == 0)


def test_a_cache_decodes_each_image_once(index, preprocessing, monkeypatch):
    decoded = []
    decode = Index.decode
    monkeypatch.setattr(
        Index,
        "decode",
        lambda self, at, *, channels: decoded.append(at) or decode(self, at, channels=channels),
    )
    loader = loaded(index, preprocessing=preprocessing, cache_bytes=1_000_000)
    for epoch in range(3):
        list(loader.epoch(epoch))
    assert sorted(decoded) == list(range(7))
