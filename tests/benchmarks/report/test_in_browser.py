"""The pages in Chromium: nothing overflows, nothing fails, tables sort, filter and group."""

import json
import re
import shutil
import subprocess

import pytest

from benchmarks.report.page import render
from tests.support.reports import report, swept_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the PATH; install it to look at pages"
)
# Run at the end of the page; what it finds is read from the DOM that Chromium dumps.
PROBE = """
const inside = (element) => element.closest(".scroll, .skip, defs, caption")
  || element.getBoundingClientRect().right <= innerWidth + 1;
const bad = [...document.querySelectorAll("body *")].filter((element) => !inside(element));
const table = document.querySelector("table.rows");
const heading = table.querySelectorAll("th button")[1].closest("th");
heading.querySelector("button").click();
document.body.dataset.found = JSON.stringify({
  wide: document.documentElement.scrollWidth > innerWidth,
  bad: bad.map((element) => element.outerHTML.slice(0, 80)),
  errors: window.errors,
  sorted: [...table.tBodies[0].rows].map((row) => row.cells[heading.cellIndex].textContent),
  order: heading.getAttribute("aria-sort"),
});
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


def test_nothing_overflows_nothing_fails_and_tables_sort(tmp_path):
    found = probed(render(report(), "report.html"), tmp_path, 1600)
    assert not found["wide"], found["bad"]
    assert found["bad"] == found["errors"] == []
    assert found["order"] == "ascending"
    assert found["sorted"] == sorted(found["sorted"], key=lambda text: float(text.replace("-", "-inf")))


def test_an_overflow_and_an_error_are_seen(tmp_path):
    page = render(report(), "report.html").replace("<main", "<div style='width:3000px'>x</div><main")
    found = probed(page.replace("<main", "<script>nothing.there()</script><main"), tmp_path, 400)
    assert found["wide"]
    assert len(found["errors"]) == 1


def test_many_rows_fit_a_telephone_and_are_filtered_grouped_and_sorted(tmp_path):
    found = probed(render(swept_report(), "report.html"), tmp_path, 400, probe=TOOLS)
    assert not found["wide"] and found["errors"] == []
    assert (found["all"], found["said"]) == (96, "24 of 96 rows")
    assert all("train" in name and "bf16" in name for name in found["kept"]) and len(found["kept"]) == 24
    assert found["groups"] == ["Inference (48)", "Training (48)"]
    assert found["first"] == "0.706 to 0.734"


def probed(page, folder, width, *, probe=PROBE):
    """The page in an inner frame of an exact width: a headless window is never narrower than 500."""
    catch = "<script>window.errors = []; onerror = (message) => { errors.push(message); };</script>"
    end = f"<script>{{ {probe} }}</script></body>"
    (folder / "page.html").write_text(page.replace("<head>", f"<head>{catch}").replace("</body>", end))
    outer = f"<iframe id=f src=page.html style='width:{width}px;height:900px;border:0'></iframe>"
    read = "onload = () => { document.title = f.contentDocument.body.dataset.found; };"
    (folder / "outer.html").write_text(f"<!DOCTYPE html><title>none</title>{outer}<script>{read}</script>")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000", "--dump-dom"]
    command.append((folder / "outer.html").as_uri())
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.S)[1]
    return json.loads(title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
