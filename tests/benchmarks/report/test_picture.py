"""The picture for a README: the page's own words and figures, in both schemes."""

import re
from xml.etree import ElementTree

import pytest

from benchmarks.report import __main__ as report_command
from benchmarks.report.badges import advice, badges
from benchmarks.report.picture import SCHEMES, colours, picture
from benchmarks.results import result_file
from common.language import Language
from tests.support.commands import ended
from tests.support.paths import ROOT
from tests.support.reports import pictured_report, report, swept_report

EN = Language()
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("made", [report, pictured_report, swept_report])
def test_the_picture_says_what_the_page_says(made):
    light, dark = (picture(EN, made(), scheme=scheme) for scheme in SCHEMES)
    assert texts(light) == texts(dark) and light != dark
    shown = texts(light)
    first = badges(EN, made())[0]
    assert {first.title, first.word, first.figure} <= set(shown)
    assert advice(EN, made()).split(": ")[0] in " ".join(shown)
    assert 'class="span"' in light and "prefers" not in light


def test_the_command_writes_both(tmp_path, capsys):
    result_file.write(report(), tmp_path / "result.json")
    code, out, _ = ended(
        report_command.main, [str(tmp_path / "result.json"), "--picture", str(tmp_path)], capsys
    )
    assert code == 0 and out.count("Written:") == 2
    assert advice(EN, report()) in (tmp_path / "report-light.svg").read_text()
    result_file.write(report(), tmp_path / "other.json")
    both = [str(tmp_path / name) for name in ("result.json", "other.json")]
    code, _, errors = ended(report_command.main, [*both, "--picture", str(tmp_path)], capsys)
    assert code == 2 and "give one" in errors[0]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_picture_of_a_readme_is_of_todays_colours_and_of_one_run(name):
    readme = (ROOT / name).read_text()
    paths = [ROOT / found for found in re.findall(r'"(benchmarks/report/pictures/[\w/-]+\.svg)"', readme)]
    found = {path.stem.rpartition("-")[2]: path.read_text() for path in paths}
    assert found.keys() == set(SCHEMES)
    assert texts(found["light"]) == texts(found["dark"])
    for scheme, svg in found.items():
        assert set(re.findall(r"#[0-9a-f]{6}", svg)) <= set(colours(scheme).values())
    assert colours("light") != colours("dark")
