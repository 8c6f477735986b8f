"""axe-core over every kind of page, at three widths, dark and light. Exit code 1 for a serious finding.

    python -m tests.campaigns.accessibility [PAGE.html ...]

Without pages, those of reports made by hand. axe-core (MPL-2.0) is not part of this project: npm installs the
version that is named here into a temporary folder, unless AXE_CORE names one that is there.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report.page import render
from tests.support import browser
from tests.support.reports import pictured_report, report, swept_report

WIDTHS = (400, 800, 1280)


def installed(folder):
    """The path of axe.min.js, fetched by npm where it is not there yet."""
    if browser.AXE.exists():
        return browser.AXE
    package = f"axe-core@{browser.AXE_VERSION}"
    subprocess.run(
        ["npm", "install", "--no-save", "--no-package-lock", "--prefix", str(folder), package],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def pages(paths):
    """Each page's name and text."""
    if paths:
        return {str(path): Path(path).read_text() for path in paths}
    made = {"compare": report, "pictured": pictured_report, "swept": swept_report}
    return {
        f"{name}, {language}": render(make(), "report.html", language=language)
        for name, make in made.items()
        for language in ("en", "zh")
    }


def main(paths):
    """The campaign; returns its exit code."""
    serious = 0
    with tempfile.TemporaryDirectory() as folder:
        browser.AXE = installed(Path(folder))
        for name, page in pages(paths).items():
            for width in WIDTHS:
                for dark in (False, True):
                    with tempfile.TemporaryDirectory() as place:
                        found = browser.serious_findings(page, Path(place), width, dark=dark)
                    serious += len(found)
                    print(
                        f"{name}, {width} px, {'dark' if dark else 'light'}: {'; '.join(found) or 'nothing'}"
                    )
    return int(serious > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
