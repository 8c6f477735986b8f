"""Where results lie as they arise, so that a run that is stopped loses nothing."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure.resume import FILE
from benchmarks.results.result_file import read
from common import cli
from common.language import ENGLISH, Language


@contextmanager
def kept_results(report: Path | None, say: Language = ENGLISH) -> Iterator[Path]:
    """A folder for results as they arise: ``report``, or a temporary one whose name is printed first.

    Whatever ends the run, what was measured stays. Where it was stopped, a note on the exception says what is
    missing and how to go on. A temporary folder is removed where the run came to its end, and where it holds
    nothing.
    """
    folder = report or Path(tempfile.mkdtemp(prefix="side-by-side-results-"))
    if report is None:
        print(say("Until this ends, results lie in {folder} as they arise.", folder=folder), flush=True)
    try:
        yield folder
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | cli.Terminated):
            error.add_note(_how_to_go_on(folder))
        if report is None and not (folder / FILE).exists():
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if report is None:
        shutil.rmtree(folder, ignore_errors=True)


def _how_to_go_on(folder: Path) -> str:
    if not (folder / FILE).exists():
        return "nothing was measured yet"
    missing = read(folder / FILE).missing
    far = f"missing: {'; '.join(missing)}" if missing else "every combination is there"
    return f"{far}; go on with the same flags and --report {folder}"
