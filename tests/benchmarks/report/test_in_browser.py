"""The pages in Chromium: nothing overflows, nothing fails, tables sort, filter and group."""

from benchmarks.report.page import render
from tests.support.browser import needs_axe, needs_chromium, probed, serious_findings
from tests.support.reports import pictured_report, report, swept_report

pytestmark = needs_chromium
# Run at the end of the page; what it finds is read from the DOM that Chromium dumps.
PROBE = """
const inside = (element) => element.closest(".scroll, .skip, defs, caption")
  || element.getBoundingClientRect().right <= innerWidth + 1;
const bad = [...document.querySelectorAll("body *")].filter((element) => !inside(element));
const table = document.querySelector("table.rows");
const heading = table.querySelectorAll("th button")[1].closest("th");
heading.querySelector("button").click();
result().then((blob) => blob.text()).then((text) => { document.body.dataset.found = JSON.stringify({
  saved: JSON.parse(text).results.length,
  wide: document.documentElement.scrollWidth > innerWidth,
  bad: bad.map((element) => element.outerHTML.slice(0, 80)),
  errors: window.errors,
  sorted: [...table.tBodies[0].rows].map((row) => row.cells[heading.cellIndex].textContent),
  order: heading.getAttribute("aria-sort"),
}); });
"""
TOOLS = """
const table = document.querySelector("table.rows");
const tools = document.querySelector(`[data-table="${table.id}"]`);
const rows = () => [...table.tBodies[0].rows];
const used = (name, value) => {
  tools.querySelector(`[name=${name}]`).value = value;
  tools.querySelector(`[name=${name}]`).dispatchEvent(new Event(name === "filter" ? "input" : "change"));
};
const all = rows().length;
used("filter", "TRAIN bf16");
const kept = rows().map((row) => row.cells[0].textContent);
const said = tools.querySelector("output").textContent;
used("filter", "");
used("group", "1");
const groups = rows().filter((row) => row.className === "group").map((row) => row.textContent);
used("order", "3 down");
const first = rows()[1].cells[3].textContent;
document.body.dataset.found = JSON.stringify({ all, kept, said, groups, first, errors: window.errors,
  wide: document.documentElement.scrollWidth > innerWidth });
"""

A4 = 703  # pixels between the margins of a printed page, the narrower of A4 and Letter
PRINTED = """
const narrow = (cell) => cell.textContent.trim().length > 3 && cell.clientWidth && cell.clientWidth < 24;
const shown = (element) => element && element.offsetParent !== null;
const every = (words) => [...document.querySelectorAll(words)];
const look = () => ({
  wide: document.documentElement.scrollWidth > innerWidth,
  cut: every(".scroll").filter((each) => each.scrollWidth > each.clientWidth + 1).length,
  narrow: every("th, td").filter(narrow).map((cell) => cell.textContent),
  tools: every("button, summary, .tools").filter(shown).length,
});
const found = { page: look(), settings: every("section.printed td").filter(shown).length };
const planted = document.createElement("style");
planted.textContent = "table { table-layout: fixed; width: 90px !important }";
document.head.append(planted);
document.body.dataset.found = JSON.stringify({ ...found, squeezed: look().narrow.length });
"""


def test_nothing_overflows_nothing_fails_and_tables_sort(tmp_path):
    found = probed(render(report(), "report.html"), tmp_path, 1600, probe=PROBE)
    assert not found["wide"], found["bad"]
    assert found["bad"] == found["errors"] == []
    assert found["order"] == "ascending"
    assert found["saved"] == len(report().results)  # what is saved as JSON is unpacked
    assert found["sorted"] == sorted(found["sorted"], key=lambda text: float(text.replace("-", "-inf")))


def test_an_overflow_and_an_error_are_seen(tmp_path):
    page = render(report(), "report.html").replace("<main", "<div style='width:3000px'>x</div><main")
    found = probed(page.replace("<main", "<script>nothing.there()</script><main"), tmp_path, 400, probe=PROBE)
    assert found["wide"]
    assert len(found["errors"]) == 1


def test_many_rows_fit_a_telephone_and_are_filtered_grouped_and_sorted(tmp_path):
    found = probed(render(swept_report(), "report.html"), tmp_path, 400, probe=TOOLS)
    assert not found["wide"] and found["errors"] == []
    assert (found["all"], found["said"]) == (96, "24 of 96 rows")
    assert all("train" in name and "bf16" in name for name in found["kept"]) and len(found["kept"]) == 24
    assert found["groups"] == ["Inference (48)", "Training (48)"]
    assert found["first"] == "0.706 to 0.734"


def test_in_print_no_column_is_cut_or_a_letter_wide_and_the_settings_are_open(tmp_path):
    page = render(pictured_report(), "report.html").replace(
        "<details", "<details open"
    )  # as beforeprint does
    printed = page.replace("@media screen", "@media speech").replace("@media print", "@media all")
    found = probed(printed, tmp_path, A4, probe=PRINTED)
    assert found["page"] == {"wide": False, "cut": 0, "narrow": [], "tools": 0}
    assert found["settings"] > 3
    assert found["squeezed"] > 10  # what was planted


@needs_axe
def test_axe_has_nothing_serious_to_say_and_finds_what_was_planted(tmp_path):
    page = render(pictured_report(), "report.html")
    assert serious_findings(page, tmp_path, 400, dark=True) == []
    faulty = page.replace('<input type="search" name="filter"', "<input").replace(
        '<html lang="en">', "<html>"
    )
    (found,) = serious_findings(faulty, tmp_path, 1280)
    assert found.startswith("html-has-lang")
