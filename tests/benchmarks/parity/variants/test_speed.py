"""Speed on the page is a suite's, of the same pair, or there is a reason why there is none."""

import pytest

from benchmarks.parity.variants.speed import require_suite, with_speed
from benchmarks.results import result_file
from common.cli import UsageError
from tests.benchmarks.parity.variants.rows import variant
from tests.support.reports import report

VERSIONS = {"torch": {"torch": "2"}, "paddle": {"paddle": "3"}}


@pytest.fixture
def suite(tmp_path):
    made = report()
    made.environment["backends"] = VERSIONS
    (tmp_path / "net").mkdir()
    result_file.write(made, tmp_path / "net" / "result.json")
    return tmp_path


def test_the_ratios_of_a_suite_are_shown(suite):
    row = with_speed(variant(input_shape=(3, 224, 224)), suite, VERSIONS)
    assert row.speed[0].ratio == pytest.approx(0.25)
    assert row.speed_reason is None


def test_what_the_machine_disturbed_has_no_figures(suite):
    path = suite / "net" / "result.json"
    made = result_file.read(path)
    made.comparisons[0].verdict = "invalid"
    result_file.write(made, path)
    first, *_ = with_speed(variant(input_shape=(3, 224, 224)), suite, VERSIONS).speed
    assert (first.verdict, first.ratio, first.torch_images_per_second) == ("invalid", None, None)


@pytest.mark.parametrize(
    ("row", "versions", "said"),
    [
        (variant("other"), VERSIONS, "not there"),
        (variant(input_shape=(3, 8, 8)), VERSIONS, "is of images 3x224x224"),
        (variant(input_shape=(3, 224, 224)), {"torch": "3"}, "of other versions"),
    ],
)
def test_what_is_of_something_else_is_not_shown(suite, row, versions, said):
    found = with_speed(row, suite, versions)
    assert found.speed == []
    assert said in found.speed_reason


def test_a_folder_without_a_suite_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"python -m benchmarks\.suite"):
        require_suite(tmp_path)
