"""Parity's report in Chinese: the numbers of the English one, and no English sentence of ours."""

from string import Formatter

import pytest

from benchmarks.parity.judge import sentences as noted
from benchmarks.parity.text.divergence import failure
from benchmarks.parity.text.report import report_text
from benchmarks.request.model_pair import ModelPair
from common.language import ENGLISH
from tests.support.chinese import CHINESE, english, numbers
from tests.support.parity_reports import parity_report


def test_parity_is_printed_in_chinese():
    found, pair = parity_report(), ModelPair(model="lenet5", num_classes=10, input_shape=(3, 32, 32))
    ours, theirs = (report_text(found, pair, say=say) for say in (ENGLISH, CHINESE))
    assert english(theirs) == ["dtype", "map", "parameters"]  # names, too
    assert numbers(ours) == numbers(theirs) and len(ours.splitlines()) == len(theirs.splitlines())
    for broken in (found, {**found, "pairing": {"reason": "7"}}):
        ours, theirs = (failure(broken, say) for say in (ENGLISH, CHINESE))
        assert english(theirs) == [] and numbers(ours) == numbers(theirs)


@pytest.mark.parametrize("message", noted.NOTES)
def test_a_note_of_parity_is_said_in_chinese(message):
    fields = {name for _, name, _, _ in Formatter().parse(message) if name}
    text = message.format(**{name: "torch" if name == "side" else f"7{len(name)}" for name in fields})
    both = f"{text}; {text}"
    assert english(noted.translated(both, CHINESE).replace("dropout", "")) == []
    assert numbers(noted.translated(both, CHINESE)) == numbers(both)
    assert noted.translated(both, ENGLISH) == both


def test_causes_are_said_in_chinese_and_those_of_the_atlas_as_they_are():
    assert noted.cause("a bias on one side only", CHINESE) == "只有一边有 bias"
    assert noted.cause("paddle's own rule", CHINESE) == "paddle's own rule"
    assert {noted.cause(text, ENGLISH) for text in noted.CAUSES} == {*noted.CAUSES}
    assert [text for text in noted.CAUSES if noted.cause(text, CHINESE) == text] == []
