"""A page in headless Chromium: a script run at its end, and what it found."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE_VERSION = "4.14.1"
AXE = Path(os.environ.get("AXE_CORE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the PATH; install it to look at pages"
)
needs_axe = pytest.mark.skipif(
    not AXE.exists(),
    reason=f"no axe-core: npm install --prefix . --no-save axe-core@{AXE_VERSION}, or AXE_CORE=FILE",
)
SERIOUS = """
axe.run(document, { resultTypes: ["violations"] }).then((result) => {
  const serious = result.violations.filter((each) => ["serious", "critical"].includes(each.impact));
  document.body.dataset.found = JSON.stringify({
    serious: serious.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)].join(" | ").slice(0, 900)),
    passed: result.passes.length,
  });
});
"""


def probed(page, folder, width, *, probe, dark=False, scripts=()):
    """What a script leaves in ``document.body.dataset.found``, as JSON, at the end of a page.

    The page lies in an inner frame of an exact width: a headless window is never narrower than 500.
    """
    catch = "<script>window.errors = []; onerror = (message) => { errors.push(message); };</script>"
    added = "".join(f"<script>{text}</script>" for text in (*scripts, f"{{ {probe} }}"))
    (folder / "page.html").write_text(
        page.replace("<head>", f"<head>{catch}").replace("</body>", f"{added}</body>")
    )
    outer = f"<iframe id=f src=page.html style='width:{width}px;height:900px;border:0'></iframe>"
    read = (
        "const look = () => { const found = f.contentDocument.body.dataset.found; "
        "if (found) document.title = found; else setTimeout(look, 50); }; onload = look;"
    )
    (folder / "outer.html").write_text(f"<!DOCTYPE html><title>none</title>{outer}<script>{read}</script>")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [f"--blink-settings=preferredColorScheme={int(not dark)}"]
    command += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000", "--dump-dom"]
    command.append((folder / "outer.html").as_uri())
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.S)[1]
    return json.loads(title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def serious_findings(page, folder, width, *, dark=False):
    """Serious and critical findings of axe-core, all folded parts opened; RuntimeError if it did not run."""
    opened = page.replace("<details", "<details open")
    found = probed(opened, folder, width, probe=SERIOUS, dark=dark, scripts=[AXE.read_text()])
    if not found["passed"]:
        raise RuntimeError("axe-core checked nothing")
    return found["serious"]
