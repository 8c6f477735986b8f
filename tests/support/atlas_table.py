"""The committed table and page of the atlas, from a report: ``python -m tests.support.atlas_table DIR``.

DIR is what ``python -m benchmarks.atlas --report DIR`` wrote with the pinned versions.
"""

import sys
from pathlib import Path

from benchmarks.atlas.page import render
from benchmarks.atlas.row import AtlasReport
from benchmarks.atlas.table import committed, write_table
from tests.support.paths import ROOT

PAGE = ROOT / "benchmarks" / "atlas" / "TABLE.md"


def page():
    """The whole text of TABLE.md, from the committed table."""
    return render(committed(), "atlas.md")


if __name__ == "__main__":
    write_table(AtlasReport.model_validate_json((Path(sys.argv[1]) / "atlas.json").read_text()))
    PAGE.write_text(page())
