"""README.zh-CN.md is README.md in Chinese: equal in headings, commands, links, numbers and tables."""

import re

import pytest

from tests.support.paths import ROOT
from tests.support.translation import differences, targets

SOURCE, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
HAN = re.compile(r"[\u4e00-\u9fff]")
# A change of the translation each, and the word of the difference that has to be seen.
FAULTS = {
    "a heading is missing": ("\n## 怎样看结果\n", "\n", "level"),
    "a heading has another level": ("## 命令\n", "### 命令\n", "level"),
    "a command in a block": ("--batch-size 1\n", "--batch-size 2\n", "blocks"),
    "a comment in a block": ("about 7 GB)", "about 8 GB)", "blocks"),
    "a command in a sentence": ("`--resume`", "`--continue`", "commands"),
    "a file": ("`CONTRIBUTING.md`", "`CONTRIBUTION.md`", "commands"),
    "a link's target": ("zh/report-dark.svg", "zh/report-darker.svg", "links"),
    "a link that the source has not": ("<picture>", "[报告](x) <picture>", "links"),
    "a size": ("这 7 GB", "这 8 GB", "numbers"),
    "a version": ("3.11 或", "3.12 或", "numbers"),
    "a figure": ("61,100,840", "61,100,804", "numbers"),
    "a figure that the source has not": ("换一台机器", "换 2 台机器", "numbers"),
    "a row of a table": ("| 0 | 完成；每项比较都有各自的结论 |\n", "", "rows"),
    "a cell of a table": ("| 0 | 完成；", "| 0 | | 完成；", "rows"),
    "an order of sections": ("## 命令\n", "## 命令\n\n## 命令\n", "level"),
}


def test_the_chinese_readme_is_the_english_one():
    assert differences(SOURCE.read_text(), CHINESE.read_text()) == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_difference_is_seen(name):
    old, new, word = FAULTS[name]
    text = CHINESE.read_text()
    assert text.count(old) == 1
    assert any(f": {word}: " in line for line in differences(SOURCE.read_text(), text.replace(old, new)))


def untranslated(text):
    """Paragraphs, rows and headings of some length without a Chinese word."""
    text = re.sub(r"^```.*?^```$|<source[^>]*>", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = text.splitlines()
    return [line for line in lines if len(line) > 20 and not set(line) <= set("| -") and not HAN.search(line)]


def test_every_paragraph_of_it_is_chinese():
    assert untranslated(CHINESE.read_text()) == []
    assert untranslated("短的\nA paragraph that nobody has translated.\n") == [
        "A paragraph that nobody has translated."
    ]


def dead(path):
    """Targets of links that do not lie where the document says."""
    local = [target for target in targets(path.read_text()) if "://" not in target]
    return [target for target in local if not (path.parent / target).exists()]


@pytest.mark.parametrize("path", [SOURCE, CHINESE], ids=lambda path: path.name)
def test_links_of_both_lead_somewhere_and_to_each_other(path, tmp_path):
    assert dead(path) == []
    other = CHINESE if path == SOURCE else SOURCE
    assert f"]({other.name})" in path.read_text()
    moved = tmp_path / path.name
    moved.write_text(path.read_text())
    assert dead(moved) != []
