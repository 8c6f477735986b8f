"""The committed table: of the pinned versions, every case, every rounding and rule that parity knows."""

import re

import pytest

from benchmarks.atlas.catalogue import all_cases
from benchmarks.atlas.hints import difference_lines
from benchmarks.atlas.row import DIFFERENT, EQUAL, ERROR, KNOWN, ROUNDED
from benchmarks.atlas.survey import versions_of
from benchmarks.atlas.table import committed
from benchmarks.parity.tensors.known_differences import KNOWN_DIFFERENCES, split_differences
from benchmarks.parity.tensors.known_roundings import KNOWN_ROUNDINGS
from tests.support import atlas_table
from tests.support.paths import ROOT

ROWS = {row.id: row for row in committed().rows}


def rows_of(operation):
    return [row for row in ROWS.values() if row.operation == operation]


def test_it_has_every_case_and_is_of_the_pinned_versions():
    assert list(ROWS) == [case.id for case in all_cases()]
    pinned = dict(re.findall(r"^(torch|paddlepaddle)==(\S+)", (ROOT / "constraints.txt").read_text(), re.M))
    found = {side: version.partition("+")[0] for side, version in versions_of(committed()).items()}
    assert found == {"torch": pinned["torch"], "paddle": pinned["paddlepaddle"]}


def test_the_page_is_what_the_table_says():
    """Written anew by ``python -m tests.support.atlas_table DIR``."""
    assert atlas_table.PAGE.read_text() == atlas_table.page()


def without_a_row(roundings, differences):
    """Entries of parity's tables that no row of the atlas has been proven with."""
    shown = {key for row in ROWS.values() if row.rounding for key in row.rounding.keys}
    rules = {key for row in ROWS.values() if row.proof for key in split_differences(row.proof.key)}
    return {*roundings} - shown - rules | {*differences} - rules  # a limit and an order are in both tables


def test_a_rounding_or_a_rule_of_paritys_that_no_case_shows_is_not_in_its_tables():
    assert without_a_row(KNOWN_ROUNDINGS, KNOWN_DIFFERENCES) == set()


def test_a_planted_rounding_or_rule_without_a_row_is_seen():
    assert without_a_row([*KNOWN_ROUNDINGS, "gelu-constant"], KNOWN_DIFFERENCES) == {"gelu-constant"}
    assert without_a_row(KNOWN_ROUNDINGS, [*KNOWN_DIFFERENCES, "sgd-order"]) == {"sgd-order"}
    assert without_a_row([], ["lrn-window"]) == {"lrn-window"}  # a rounding's row is no rule's


def test_every_case_could_fail():
    dull = [row.id for row in ROWS.values() if "The result is the same for other inputs" in row.note]
    assert [name for name in dull if ROWS[name].verdict == EQUAL] == []


@pytest.mark.parametrize(
    ("operation", "verdict"),
    [
        # "Same in both": people fear a difference.
        ("SGD", EQUAL),
        ("Adam", EQUAL),
        ("StepLR", EQUAL),
        ("CosineAnnealingLR", EQUAL),
        ("Resize", EQUAL),
        ("GELU", EQUAL),
        ("Mish", EQUAL),
        ("leaky_relu", EQUAL),
        ("ToTensor", EQUAL),
        # "Different".
        ("AvgPool2d", KNOWN),
        ("BatchNorm2d", KNOWN),
        ("RMSprop", KNOWN),
        ("embedding", KNOWN),
        ("split", KNOWN),
        ("lp_pool2d", KNOWN),  # a rounding reproduces it, and is too small for it
        ("cosine_embedding_loss", KNOWN),
        ("GroupNorm", DIFFERENT),
        # Constants in float32.
        ("hardsigmoid", ROUNDED),
        ("selu", ROUNDED),
        ("lp_pool2d", ROUNDED),
        ("local_response_norm", ROUNDED),
        ("dropout", ROUNDED),
    ],
)
def test_what_was_known_of_the_frameworks_is_found(operation, verdict):
    assert verdict in {row.verdict for row in rows_of(operation)}


def test_a_worker_that_dies_is_a_row():
    """How it ends is chance: its memory is corrupt, and it aborts or hangs."""
    died = [row for row in ROWS.values() if re.search("crashed|timeout", row.reason or "")]
    assert [(row.operation, row.verdict) for row in died] == [("nll_loss", ERROR)]


def test_a_pairs_operations_that_differ_are_told():
    lines = difference_lines(["Conv2d", "AvgPool2d", "avg_pool2d", "GELU", "no_such_thing"])
    assert [line.partition(":")[0] for line in lines[2:]] == ["  Conv2d", "  AvgPool2d"]
    assert "exclusive=True" in lines[3]
    assert difference_lines(["GELU"]) == []
