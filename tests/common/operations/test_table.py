"""What hints and likely causes say of the frameworks is in the atlas, and nothing else is said."""

import re

import pytest

from benchmarks.parity.judge import causes
from common.operations.table import differences_of, rows, stand_in_of

LOOKED_UP = {*(name for names in (*causes.BESIDES.values(), *causes.OPERATIONS.values()) for name in names)}
LOOKED_UP -= {"SGD"}  # of a default that is Momentum's


def claims(tables):
    """Sentences that say what a framework does."""
    sentences = [one for table in tables for group in table for one in group]
    return [one for one in sentences if re.search(r"torch|paddle", one)]


@pytest.mark.parametrize("operation", sorted(LOOKED_UP))
def test_the_atlas_shows_a_difference_of_each_operation_that_is_looked_up(operation):
    assert differences_of(operation)


def test_an_operation_that_no_row_shows_to_differ_has_no_cause():
    assert differences_of("ReLU6") == differences_of("no_such_thing") == []


def test_causes_that_are_written_by_hand_say_nothing_of_the_frameworks():
    tables = causes.ARGUMENTS.values(), causes.STAGES.values(), [causes.BETWEEN, causes.NOT_FINITE]
    assert claims(tables) == []
    assert claims([[("padding", "paddle counts it otherwise")]]) == ["paddle counts it otherwise"]


def test_a_guilty_layers_causes_come_from_the_atlas_first():
    first, *others = causes.likely(stage="forward", base="AvgPool2d", layer="pool")
    proven = [
        row["proof"]["sentence"] for row in rows() if row["operation"] == "AvgPool2d" and "proof" in row
    ]
    assert first in proven and others == list(causes.ARGUMENTS["AvgPool2d"])
    between = causes.likely(stage="forward", base=None, layer="between a and b")
    assert "paddle aligns corners by default, torch does not" in between
    assert any(
        "ignore_index is negative" in one for one in causes.likely(stage="loss", base=None, layer=None)
    )


def test_a_stand_in_is_paddles_own_spelling():
    assert stand_in_of("paddle.nn.functional.lp_pool3d") == "(F.avg_pool3d(x ** 2, 2) * 8) ** 0.5"
    assert stand_in_of("paddle.nn.functional.relu") is None
