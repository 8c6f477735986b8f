"""Damaged images are decoded or refused by name, in bounded time and memory, and the survey would tell."""

import pytest
from PIL import Image

from tests.campaigns.corruption import KINDS, corrupted, made_originals, saved_in_all_formats, survey


@pytest.fixture(scope="module")
def originals():
    """A photograph, and noise, in every format that Pillow writes."""
    from sklearn.datasets import load_sample_image

    photograph = Image.fromarray(load_sample_image("china.jpg"))
    photograph.thumbnail((120, 120))
    return made_originals() + saved_in_all_formats(photograph)


def test_corrupted_images_are_decoded_or_refused_with_a_reason(originals, tmp_path):
    outcomes, failures, _ = survey(originals, seed=0, numbers=range(200), folder=tmp_path)
    assert failures == []
    assert outcomes["decoded"] > 40
    assert sum(outcomes.values()) - outcomes["decoded"] > 40
    assert len(outcomes) > 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("guard", "numbers", "outcome"),
    [
        ("without_the_broad_except", range(100), "raised"),
        ("without_the_limit_of_pixels", range(4, 14, 5), "raised MemoryError"),
    ],
)
def test_without_a_guard_the_survey_fails(guard, numbers, outcome, tmp_path):
    decoder = f"tests.support.faulty_decoders:{guard}"
    # An image of as many pixels as the limit allows takes 358 MB once; twice as many do not fit.
    limits = {"memory_mib": 700, "decoder": decoder}
    _, failures, _ = survey(made_originals(), seed=0, numbers=numbers, folder=tmp_path, **limits)
    assert failures
    assert all(told.startswith(outcome) and path.exists() for path, told in failures)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("crashing", "crashed with exit code -6"),
        ("hanging", "hung"),
        ("greedy", "raised MemoryError"),
        ("raising", "raised KeyError"),
        ("silent", "refused: "),
    ],
)
def test_a_decoder_that_falls_is_reported_and_replaced(fault, outcome, originals, tmp_path):
    decoder = f"tests.support.faulty_decoders:{fault}"
    outcomes, failures, _ = survey(
        originals, seed=0, numbers=range(2), folder=tmp_path, seconds=0.3, decoder=decoder
    )
    assert outcomes == {outcome: 2}
    assert len(failures) == 2


def test_copies_depend_on_seed_and_number_alone(originals):
    copies = [corrupted(originals, seed=1, number=number) for number in range(20)]
    assert copies[7:] == [corrupted(originals, seed=1, number=number) for number in range(7, 20)]
    assert copies != [corrupted(originals, seed=2, number=number) for number in range(20)]
    assert {kind for kind, _ in copies} == {kind.__name__ for kind in KINDS}
    assert sum(data in originals for _, data in copies) <= 2
