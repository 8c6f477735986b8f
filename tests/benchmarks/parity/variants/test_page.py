"""The page: what it says in both languages, that text stays text, and that every number is in its JSON."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from benchmarks.parity.variants.page import render, write_page
from benchmarks.parity.variants.sentences import (
    answer,
    disagreement_sentence,
    finding_sentence,
    images_sentence,
)
from benchmarks.results import result_file
from benchmarks.results.parity_schema import Agreement, ParityPage, StageVerdict
from common.language import LANGUAGES, Language
from tests.benchmarks.parity.variants.rows import broken, disagreement, lost, page, variant, whole_page

SCHEMA = Path(result_file.__file__).parent / "parity.schema.json"
EN = Language("en")


def test_the_published_schema_is_current_and_describes_what_is_written(tmp_path):
    assert SCHEMA.read_text() == result_file.json_schema(ParityPage)
    write_page(whole_page(), tmp_path, language="en")
    content = json.loads((tmp_path / "parity.json").read_text())
    published = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    published.validate(content)
    content["variants"][0]["finding"] = "nearly"
    assert [error.json_path for error in published.iter_errors(content)] == ["$.variants[0].finding"]
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.md", "parity.json"}


def test_a_distance_is_never_shown_without_what_float64_says_of_it():
    rows = {row.name: finding_sentence(EN, row) for row in whole_page().variants}
    assert rows["net"] == "net: 1.1e-04 in float32 is rounding: 3.0e-15 in float64"
    assert "is a fault, no rounding" in rows["broken"]
    assert "would pass a limit of 0.0001, and is a fault all the same" in rows["hidden"]
    assert "more than rounding explains" in rows["unexplained"]
    assert rows["lost"] == "lost: nothing was compared"


def test_the_answer_counts_and_names():
    said = answer(EN, page(variant(), broken(), lost()))
    assert said.startswith(
        "In float64 both compute the same in 1 of 3 variants. Broken: broken. Not compared: lost."
    )
    assert "at most 1.1e-04 in float32 (net)" in said


def test_agreement_is_of_the_variants_that_pass():
    """A broken one would drown what the others say."""
    none = variant().images.model_copy(update={"top1_agreed": 0})
    said = images_sentence(EN, page(variant(), broken(images=none)))
    assert said.startswith("Where float64 agrees, Top-1 agrees in 10 of 10 predictions (100.00%)")
    assert images_sentence(EN, page(broken())).startswith("No variant passes")
    assert images_sentence(EN, page(variant(images=None))) == "No photographs were compared."


def test_gradients_that_are_not_judged_are_said():
    stages = [StageVerdict(stage="float32", dtype="float32", verdict="fail", tensors=3)]
    text = render(page(variant(stages=stages, unjudged_float32_gradients=1e-3)), "report.md", language="en")
    assert "outputs pass" in text
    assert "net: float32 gradients are up to 1.0e-03 (relative L2) from the float64 ones" in text


def test_a_broken_variant_lists_few_disagreements_and_counts_all():
    counts = {"images": 10, "top1_agreed": 0, "disagreements_total": 10}
    odd = Agreement(
        source="photos.txt", disagreements=[disagreement(f"{n}.png") for n in range(10)], **counts
    )
    text = render(page(broken(images=odd)), "report.md", language="en")
    assert ("2.png" in text, "3.png" in text) == (True, False)
    assert "broken: 7 more disagreements are counted and not listed" in text
    assert "broken: no features" not in text
    assert "net: no features" in render(page(variant(features=None)), "report.md", language="en")
    assert "9.png" in render(page(variant(images=odd)), "report.md", language="en")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (disagreement(), "nearly tied: in float64 both say 1, with a margin of 1.0e-09"),
        (disagreement(margin=1e-3), "no tie: the distance is smaller than the margins"),
        (disagreement(in_float64=(0, 1)), "float64 differs as well: margin 1.0e-09, |Δ| 1.0e-16"),
        (disagreement().model_copy(update={"float64": None}), "not looked at in float64"),
    ],
)
def test_what_decides_an_image_is_said(row, said):
    assert disagreement_sentence(EN, row) == said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_the_page_shows_every_part(language, name):
    text = render(whole_page(), name, language=language)
    for word in (
        "10/10 (100.00%)",
        "9/10 (90.00%)",
        "1.1e-04",
        "3.0e-15",
        "/home/me/mine.py:12",
        "the worker died",
    ):
        assert word in text
    for word in ("takes 4 channels", "infer eager fp32 batch 8", "a.png", "next", "0.500"):
        assert word in text
    if name.endswith("html"):
        assert f'<html lang="{Language(language).tag}">' in text
        assert not re.search(r"(src|href)=\"?(https?:)?//", text)  # nothing is fetched
        assert "Noto Sans CJK SC" in text


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_a_chinese_page_has_no_english_sentence(name):
    text = render(page(variant(), variant("other")), name, language="zh")
    text = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.S)
    words = re.findall(r"[a-z]{3,}(?: [a-z]{2,}){2,}", re.sub(r"<[^>]*>", " ", text))
    assert words == ["train"] * 0
    assert "在 float64 下" in text


HOSTILE = "a|b <script>x</script> & c\nd \x1b[31m {name}"


def test_what_users_name_stays_text():
    rows = [variant(), broken(), lost(reason=HOSTILE)]
    plain = render(page(variant(), broken(), lost()), "report.md", language="en")
    rows[0].images.disagreements = [disagreement(HOSTILE)]
    rows[1].fault.places = [HOSTILE]
    made = page(*rows, command=HOSTILE)
    for name in ("report.md", "report.html"):
        text = render(made, name, language="en")
        assert "<script>x" not in text
    text = render(made, "report.md", language="en")
    assert "\x1b" not in text
    assert text.count("&lt;script&gt;x&lt;/script&gt; &amp; c d") == 4
    rows_of = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.replace(r"\|", "").count("|") for line in rows_of if line in plain.splitlines()}) <= 3


def test_every_number_of_the_table_is_in_the_json(tmp_path):
    made = whole_page()
    write_page(made, tmp_path, language="en")
    numbers = set(re.findall(r"\b\d\.\de[-+]\d\d\b", (tmp_path / "report.md").read_text()))
    values = re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", (tmp_path / "parity.json").read_text())
    assert numbers <= {f"{float(value):.1e}" for value in values}
