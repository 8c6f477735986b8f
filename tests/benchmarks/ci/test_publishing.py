"""What a CI service is shown: at most fifteen lines, escaped annotations on the user's own lines."""

import argparse
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.analysis.regression import changes
from benchmarks.ci import of_parity, of_speed
from benchmarks.ci.annotations import Annotation, default_service, workflow_commands
from benchmarks.ci.places import Place, place_named, place_of
from benchmarks.ci.publishing import publish
from benchmarks.ci.summary import Summary
from benchmarks.request.limits import Limits
from benchmarks.request.model_pair import ModelPair
from benchmarks.results.outcome import Outcome
from benchmarks.results.parity_schema import Fault, ParityPage, Variant
from benchmarks.results.schema import Against, Report
from tests.support.reports import report, result

MINE = """from torch import nn


def net(): ...


class Twin:
    def __init__(self):
        self.act = relu()


twin = Twin
"""
ENVIRONMENT = {"cpu": "a | processor", "cores": 2, "backends": {"torch": {"torch": "2"}}}


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "mine.py").write_text(MINE)
    return tmp_path


def pair(folder):
    sources = {"torch": "mine:net", "paddle": "mine:twin"}
    return ModelPair(num_classes=5, input_shape=(3, 8, 8), sources=sources, folder=str(folder))


def parity(verdict="fail", *, layer="act", note=None, error=None, lines=None):
    tensor = {"name": "logits", "verdict": verdict, "relative_l2": 0.5, "tolerance": 1e-12, "note": None}
    tensor |= {"noise": None}
    stage = {"stage": "forward", "dtype": "float64", "verdict": verdict, "tolerance": 1e-12}
    stages = [stage | {"stage": f"s{i}", "verdict": "pass", "tensors": [], "error": None} for i in range(9)]
    stages.append(stage | {"tensors": [tensor], "error": error})
    first = {
        "stage": "forward",
        "name": "logits",
        "layer": layer,
        "relative_l2": 0.5,
        "path": "x",
        "note": note,
        "lines": lines,
    }
    return {
        "verdict": verdict,
        "stages": stages,
        "first_divergence": first | {"likely_causes": ["another activation"]},
        "environment": ENVIRONMENT,
    }


def summaries():
    before, now = report(width=0.005), report(100, 25 * 0.85, width=0.005)
    now.regressions = changes(now, before, limits=Limits(default=5.0))
    now.environment |= ENVIRONMENT
    row = result("torch", 100.0)
    facts = {name: getattr(row, name) for name in ("phase", "engine", "precision", "threads")}
    entries = [
        Against(**facts, batch_size=n, verdict="slower", regression=n > 1, change=0.8, change_ci95=(0.7, 0.9))
        for n in range(1, 21)
    ]
    versions = Report(environment=ENVIRONMENT, results=[row], against=entries)
    lines = [f"line {entry.batch_size}" for entry in entries]
    outcomes = [Outcome(name=f"net{n}", report=report()) for n in range(20)]
    page = ParityPage(environment=ENVIRONMENT, request={}, variants=[variant("pass"), variant("fail")])
    return {
        "parity": of_parity.summary(parity(), name="mine"),
        "page": of_parity.page_summary(page),
        "compare": of_speed.comparison_summary(now),
        "against": of_speed.run_summary(versions, lines, backend="torch", place="../base"),
        "run": of_speed.run_summary(
            Report(environment={}, results=[row] * 20), [], backend="torch", place=None
        ),
        "suite": of_speed.suite_summary([*outcomes, Outcome(name="lost", reason="no such module")]),
    }


def variant(verdict, fault=None):
    names = {"name": verdict, "torch": "mine:net", "paddle": "mine:twin"}
    return Variant(**names, input_shape=(3, 8, 8), num_classes=5, verdict=verdict, fault=fault, seconds=1.0)


@pytest.mark.parametrize("name", ["parity", "page", "compare", "against", "run", "suite"])
def test_a_summary_has_at_most_fifteen_lines_with_what_to_do(name):
    text = summaries()[name].markdown()
    lines = text.splitlines()
    assert len(lines) <= 15
    assert lines[0].startswith("**")
    assert [line.partition(":")[0] for line in lines[-3:]] == ["- Noise", "- Machine", "- What to do"]
    table = [line for line in lines if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    if name in ("parity", "against", "run", "suite"):
        assert re.match(r"\| and \d+ more ", table[-1])


def test_what_failed_comes_first_and_text_stays_text():
    found = summaries()
    assert found["parity"].rows[0][0] == "forward"
    assert "| forward | 1 | 5.0e-01 | logits | 1.0e-12 | fail |" in found["parity"].markdown()
    assert found["against"].sentence == "Against ../base: 19 of 20 combinations slower: line 2."
    assert "slower than the baseline" in found["compare"].sentence
    assert found["compare"].advice == of_speed.ALLOW
    assert found["suite"].rows[0][0] == "lost"
    hostile = Summary(
        sentence="a\n## b", columns=["c"], rows=[["<b>|\x1b[31m"]], noise="", machine="m", advice=""
    )
    assert hostile.markdown() == "**a ## b**\n\n| c |\n| --- |\n| &lt;b&gt;\\|\\x1b[31m |\n\n- Machine: m\n"


def test_annotations_are_escaped_as_github_does_it(repository):
    place = Place(file=repository / "src" / "a,b:c%.py", line=3)
    (line,) = workflow_commands(
        [Annotation(level="error", message="50%\r\n::set-env::x", place=place)], root=repository
    )
    assert line == "::error file=src/a%2Cb%3Ac%25.py,line=3,title=side-by-side::50%25%0D%0A::set-env::x"
    outside = Place(file=Path("/elsewhere/mine.py"), line=3)
    (line,) = workflow_commands([Annotation(level="warning", message="x", place=outside)], root=repository)
    assert line == "::warning title=side-by-side::x"


@pytest.mark.parametrize(("number", "shown"), [(10, 10), (11, 10), (200, 10)])
def test_at_most_ten_are_shown_errors_first_and_the_last_says_how_many(repository, number, shown):
    found = [Annotation(level="warning", message=f"w{i}") for i in range(number - 1)]
    lines = workflow_commands([*found, Annotation(level="error", message="e")], root=repository)
    assert (len(lines), lines[0]) == (shown, "::error title=side-by-side::e")
    if number > shown:
        assert lines[-1].endswith(f"::{number} in all; {number - 9} are not shown here")


def test_a_broken_parity_is_an_error_on_the_twins_line_of_the_layer(repository):
    places = {side: [{"place": f"{repository}/src/mine.py:{n}"}] for side, n in (("torch", 4), ("paddle", 9))}
    (found,) = of_parity.annotations(parity(lines=places), pair(repository))
    assert (found.level, found.place) == ("error", Place(file=repository / "src" / "mine.py", line=9))
    assert "look first at: another activation" in found.message
    (found,) = of_parity.annotations(parity(layer=None), pair(repository))
    assert found.place == Place(file=repository / "src" / "mine.py", line=12)  # the callable
    assert of_parity.annotations(parity("pass"), pair(repository)) == []


def test_an_exception_is_an_error_on_its_own_line(repository):
    place = f"{repository / 'src' / 'mine.py'}:4"
    broken = parity(
        layer=None, note=f"{place}: def net(): ...", error={"place": place, "reason": "ValueError"}
    )
    (found,) = of_parity.annotations(broken, pair(repository))
    assert found.place.line == 4
    assert place_named("no place: 4") is None


def test_a_page_of_pairs_has_an_annotation_for_each_that_does_not_pass(repository):
    fault = Fault(stage="forward", tensor="logits", layer="act", places=[f"{repository}/src/mine.py:9: x"])
    variants = [variant("pass"), variant("fail", fault), variant("incomplete")]
    page = ParityPage(environment=ENVIRONMENT, request={}, variants=variants)
    found = of_parity.page_annotations(page, dict.fromkeys(["fail", "incomplete"], pair(repository)))
    assert [(each.level, each.place.line) for each in found] == [("error", 9), ("warning", 12)]


def test_a_slowdown_is_an_error_and_what_is_not_decided_a_warning(repository):
    request = SimpleNamespace(sources=pair(repository).sources, folder=str(repository))
    row = result("torch", 100.0)
    facts = {name: getattr(row, name) for name in ("phase", "engine", "precision", "batch_size", "threads")}
    states = [{"regression": True, "change": 0.5}, {"undecided": True}, {"change": 1.0}, {}]
    entries = [Against(**facts, verdict="slower", **state) for state in states]
    found = of_speed.run_annotations(
        Report(environment={}, results=[], against=entries), list("abcd"), request, "torch"
    )
    assert [(each.level, each.message) for each in found] == [
        ("error", "a"),
        ("warning", "b"),
        ("warning", "d"),
    ]
    assert {each.place.line for each in found} == {4}


def test_places_are_of_the_users_own_files(repository):
    assert place_of("mine:Twin", str(repository)).line == 7
    assert place_of("mine:unknown", str(repository)).line == 1
    assert place_of("json:loads", str(repository)) is None
    assert place_of(None, str(repository)) is None


def test_a_summary_is_written_where_it_is_wanted(tmp_path, monkeypatch, capsys):
    summary = Summary(sentence="x", columns=(), rows=(), noise="n", machine="m", advice="a")
    page = tmp_path / "step.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    options = argparse.Namespace(summary=None, annotate="github")
    publish(options, summary, [Annotation(level="notice", message="m")], program="x", folder=tmp_path)
    assert page.read_text() == f"before\n{summary.markdown()}\n"
    assert (tmp_path / "summary.md").read_text() == summary.markdown()
    assert capsys.readouterr().out == "::notice title=side-by-side::m\n"
    options = argparse.Namespace(summary=tmp_path / "own.md", annotate="none")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/gone/step.md")
    publish(options, summary, [Annotation(level="notice", message="m")], program="x")
    assert (tmp_path / "own.md").exists()
    out, err = capsys.readouterr()
    assert (out, "GITHUB_STEP_SUMMARY: /gone/step.md: No such file" in err) == ("", True)


def test_annotations_are_printed_by_themselves_on_githubs_runners_alone():
    assert default_service({"GITHUB_ACTIONS": "true"}) == "github"
    assert default_service({"CI": "true", "GITLAB_CI": "true"}) == default_service({}) == "none"
