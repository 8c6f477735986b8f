"""Every number on the page is one of the JSON inside it, in the page's unit and to the digits shown."""

import html
import json
import math
import re
from base64 import b64decode
from bisect import bisect_left
from gzip import decompress

import pytest

from benchmarks.report.page import render
from benchmarks.report.suite_page import write_suite
from benchmarks.results.outcome import Outcome
from tests.support import catalogue
from tests.support.reports import pictured_report, report, swept_report

RAW = {"step_seconds", "quick_seconds", "torch_quick_seconds", "paddle_quick_seconds", "latencies_ms"}
UNITS = (1.0, 100.0, 1000.0, 2.0**-20, 2.0**-30)  # as it is, percent, milliseconds, MiB, GiB
NUMBER = re.compile(r"(?<![\w.#&-])[±+-]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")


def parts_of(page):
    """The JSON inside the page, and the text that readers see, without the marks of scales."""
    packed = re.search(r'id="result">(.*?)</script>', page, re.S)[1]
    body = page[page.index("<body>") :]
    for hidden in (r"<script.*?</script>", r'<text[^>]*class="tick".*?</text>', r"<desc>.*?</desc>"):
        body = re.sub(hidden, " ", body, flags=re.S)
    return json.loads(decompress(b64decode(packed))), html.unescape(re.sub(r"<[^>]+>", " ", body))


def leaves(content, name=""):
    """Every number of the JSON, of texts in it too, and how long each list is; without raw steps."""
    if name in RAW:
        return
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, key)
    elif isinstance(content, list):
        yield float(len(content))
        for value in content:
            yield from leaves(value, name)
    elif isinstance(content, str):
        yield from (float(text.replace(",", "")) for text in re.findall(r"\d+(?:\.\d+)?", content))
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield float(content)


def derived(content):
    """What is made of the JSON's numbers by one step: half widths, gaps of layers and their shares."""
    pairs = content.get("pairs", [content])
    for row in [row for pair in pairs for row in pair["comparisons"]]:
        for name in ("ratio_ci95", "repetition_ci95"):
            if row[name]:
                yield math.sqrt(row[name][1] / row[name][0]) - 1
    timed = [row for row in content.get("results", ()) if row["layers"]]
    timed = sorted(timed, key=lambda row: row["phase"] != "train")  # those that the page shows
    if timed:
        yield from layer_figures(*timed[:2])


def layer_figures(torch, paddle):
    training = torch["phase"] == "train"

    def both(layer):
        return layer["forward_seconds"] + training * layer["backward_seconds"]

    gaps = [both(theirs) - both(ours) for ours, theirs in zip(torch["layers"], paddle["layers"], strict=True)]
    sums = [sum(map(both, row["layers"])) for row in (torch, paddle)]
    yield from [*gaps, *(abs(gap) / sum(map(abs, gaps)) for gap in gaps)]
    if not torch["forward_seconds"]:
        return
    passes = [both(row) for row in (torch, paddle)]
    rests = [step - layers for step, layers in zip(passes, sums, strict=True)]
    ways = [
        row[f"{way}_seconds"] - sum(layer[f"{way}_seconds"] for layer in row["layers"])
        for row in (torch, paddle)
        for way in ("forward", "backward")
    ]
    yield from [*sums, *passes, *rests, *ways, passes[1] - passes[0], rests[1] - rests[0]]


def unexplained(text, content, *, counts=None):
    """The numbers in a text that are neither in the JSON nor in a sentence of the catalogue."""
    own = {*leaves(content), *derived(content), 0.0}
    own |= {1 / value for value in own if value}
    values = sorted({abs(value * unit) for value in own for unit in UNITS})
    said = {found for pair in catalogue.messages() for found in NUMBER.findall(pair[0])}
    most = counts or max(len(row["step_seconds"]) for row in content["results"])  # places in lists are counts
    return [
        found
        for found in NUMBER.findall(text)
        if found not in said and not (found.isdigit() and int(found) <= most) and not known(found, values)
    ]


def known(text, values):
    """True if one of the values is written so."""
    plain = text.replace(",", "").lstrip("±+-")
    mantissa, _, power = plain.partition("e")
    digits = len(mantissa.partition(".")[2])
    step = 10.0 ** (int(power or 0) - digits)
    place = bisect_left(values, float(plain) - step * 0.5001)
    return place < len(values) and values[place] <= float(plain) + step * 0.5001


@pytest.mark.parametrize("made", [report, pictured_report, swept_report])
def test_every_number_on_the_page_is_in_its_json(made):
    page = render(made(), "report.html")
    content, text = parts_of(page)
    assert len(NUMBER.findall(text)) > 100
    assert unexplained(text, content) == []


def test_every_number_of_a_suite_is_in_its_json(tmp_path):
    outcomes = [
        Outcome(name=name, report=report(paddle_speed=speed)) for name, speed in (("a", 25.0), ("b", 31.7))
    ]
    write_suite(outcomes, tmp_path)
    content, text = parts_of((tmp_path / "suite.html").read_text())
    assert content == json.loads((tmp_path / "suite.json").read_text())
    assert unexplained(text, content, counts=len(outcomes)) == []


def test_a_number_that_is_not_in_the_json_is_found():
    """Each figure of three digits or more, a seventh larger: few may be another number by chance."""
    content, text = parts_of(render(report(), "report.html"))
    figures = [word for word in NUMBER.findall(text) if re.fullmatch(r"[\d.]{4,}", word)]
    wrong = [f"{float(word) * 8 / 7:.{len(word.partition('.')[2])}f}" for word in figures]
    assert len(figures) > 20
    assert len(unexplained(" ".join(wrong), content)) > 0.8 * len(figures)


def test_the_json_of_the_page_is_the_file():
    made = report()
    content, _ = parts_of(render(made, "report.html"))
    assert content == json.loads(made.model_dump_json())
