"""The answer as badges: colour, words and figures of each phase and size, and what to choose."""

import pytest

from benchmarks.analysis.best import best_of_each
from benchmarks.report.answer import answer
from benchmarks.report.badges import advice, badges
from benchmarks.report.page import render
from common.language import Language
from tests.support.reports import comparison, report, result, swept_report

EN = Language()


def judged(*ratios, verdicts, engine="eager", phase="infer"):
    """A report of one comparison at each of several batch sizes."""
    found = report()
    found.results, found.comparisons = [], []
    for place, (ratio, verdict) in enumerate(zip(ratios, verdicts, strict=True)):
        case = {"phase": phase, "batch_size": 2**place, "engine": engine}
        found.results += [result("torch", 100.0, **case), result("paddle", 100.0 * ratio, **case)]
        found.comparisons.append(comparison(100.0, 100.0 * ratio, verdict=verdict, margin=5.0, **case))
    found.best = best_of_each(found.results, found.comparisons)
    return found


def test_a_badge_has_its_colour_its_words_and_the_interval_of_who_is_faster():
    ratios = (0.4, 1.5, 1.01, 0.95)
    found = badges(EN, judged(*ratios, verdicts=("torch faster", "paddle faster", "equal", "undecided")))
    assert [badge.kind for badge in found] == ["faster", "faster", "equal", "undecided"]
    assert [badge.title for badge in found] == [f"Inference, batch {size}" for size in (1, 2, 4, 8)]
    assert [badge.word for badge in found[:2]] == ["torch is faster", "paddle is faster"]
    assert found[0].figure == "2.50 times as fast (2.45 to 2.55)"
    assert found[1].figure == "1.50 times as fast (1.47 to 1.53)"
    assert found[2].figure == "within ±5 % (0.990 to 1.03)"
    assert found[3].figure == "paddle / torch 0.950 (0.931 to 0.969)"
    assert found[0].sides == ["torch (eager, fp32): 100 images/s", "paddle (eager, fp32): 40.0 images/s"]


def test_what_was_disturbed_is_red_and_what_crashed_is_no_badge_of_a_winner():
    busy = judged(0.4, verdicts=("invalid",))
    busy.comparisons[0].reason = "80% of the blocks were disturbed"
    (red,) = badges(EN, busy)
    assert (red.kind, red.reason) == ("invalid", "80% of the blocks were disturbed")
    lost = badges(EN, report())[-1]
    assert (lost.kind, lost.title, lost.figure) == ("missing", "Training, batch 8", "torch: crashed")


def test_eager_is_named_beside_deploy_and_never_as_its_answer():
    (best, _) = badges(EN, report())
    assert best.word == "equal" and "deploy" in best.sides[0]
    assert best.others == ["eager, fp32: torch faster, 4.00 times as fast (3.92 to 4.08)"]
    assert advice(EN, report()) == "Inference (deploy on both): either."


@pytest.mark.parametrize(
    ("ratios", "verdicts", "sentence"),
    [
        ((0.4,), ("torch faster",), "Inference (eager on both): choose torch."),
        ((0.4, 1.4), ("torch faster", "paddle faster"), "torch at batch 1, paddle at batch 2."),
        ((1.4, 1.0), ("paddle faster", "equal"), "choose paddle; either at batch 2."),
        ((1.4, 1.0), ("paddle faster", "undecided"), "choose paddle at batch 1."),
        ((1.0,), ("undecided",), "not decided yet, measure longer."),
    ],
)
def test_what_to_choose_is_a_sentence(ratios, verdicts, sentence):
    assert advice(EN, judged(*ratios, verdicts=verdicts)).endswith(sentence)


def test_phases_with_the_same_choice_share_a_sentence():
    both = judged(0.4, verdicts=("torch faster",))
    training = judged(0.5, verdicts=("torch faster",), phase="train")
    both.results += training.results
    both.comparisons += training.comparisons
    both.best += training.best
    assert advice(EN, both) == "Inference, Training (eager on both): choose torch."


def test_int8_has_a_badge_and_advice_of_its_own():
    found = judged(0.95, verdicts=("torch faster",), engine="deploy")
    case = {"engine": "deploy", "precision": "int8", "batch_size": 1}
    alone = result("paddle", 215.0, **case)
    lost = result("torch", 1.0, status="unsupported", reason="no torchao", images_per_second=None, **case)
    found.results += [alone, lost]
    found.best = best_of_each(found.results, found.comparisons)
    assert [badge.title for badge in badges(EN, found)] == ["Inference, batch 1", "Inference, batch 1, int8"]
    assert [badge.kind for badge in badges(EN, found)] == ["faster", "missing"]
    found.results[-1] = result("torch", 107.0, **case)
    pair = comparison(107.0, 215.0, verdict="paddle faster", **case)
    found.comparisons.append(pair)
    found.best = best_of_each(found.results, found.comparisons)
    assert [badge.winner for badge in badges(EN, found)] == ["torch", "paddle"]
    words = "Inference (deploy on both): choose torch. Inference in int8 (deploy on both): choose paddle."
    assert advice(EN, found) == words
    assert "paddle (deploy, int8) is 2.01 times" in answer(found)


def test_a_price_is_a_cost_on_the_badge():
    priced = judged(0.4, verdicts=("torch faster",))
    for row, cost in zip(priced.results, (2.78, 6.94), strict=True):
        row.cost_per_million_images = cost
    assert [side.rpartition(", ")[2] for side in badges(EN, priced)[0].sides] == [
        "2.78 per million images",
        "6.94 per million images",
    ]


def test_many_badges_keep_to_the_best_and_their_order():
    found = badges(EN, swept_report())
    assert len(found) == 16 and not any(badge.others for badge in found)
    assert [badge.title for badge in found[:3]] == [f"Inference, batch {size}" for size in (1, 2, 4)]


def test_the_page_is_in_chinese_but_for_what_the_answer_says():
    page = render(report(), "report.html", language="zh")
    assert '<html lang="zh-CN">' in page and "测量条件" in page and "两者皆可" in page
    assert "Circumstances" not in page and "Side by side" not in page
