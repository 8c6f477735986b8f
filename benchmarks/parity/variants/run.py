"""All variants, one after the other, with workers that are kept; the page is written after each."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.manager.environment import describe
from benchmarks.manager.scratch import scratch_folder
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.plan import Plan
from benchmarks.parity.variants.compare import Wanted, compare_variant
from benchmarks.parity.variants.keeping import asked, keep, kept_row
from benchmarks.parity.variants.workers import kept_workers
from benchmarks.results.parity_schema import ParityPage, Variant
from common.cli import UnavailableError
from common.terminal import LOG_SECONDS, progress

OnRow = Callable[[ParityPage, Variant, bool], object]


def run_variants(
    wanted: Sequence[Wanted],
    plan: Plan,
    folder: Path,
    *,
    request: dict[str, Any],
    timeout: float,
    on_row: OnRow,
) -> ParityPage:
    """Compare every variant that has no row in ``folder`` yet.

    ``on_row`` is handed the page so far, its newest row, and whether that is new. Raises UnavailableError
    where no worker can start.
    """
    with scratch_folder() as scratch, kept_workers(scratch, timeout=timeout) as workers:
        try:
            environment = describe(os.environ, workers.versions())
        except WorkerFailure as failure:
            raise UnavailableError(f"{failure.backend}: {failure.status}: {failure.explained}") from None
        page = ParityPage(environment=environment, request=request, variants=[])
        with progress(total=len(wanted), unit="variant") as bar:
            for each in wanted:
                facts = asked(each, plan, environment["backends"])
                row = kept_row(folder, each, facts)
                is_new = row is None
                if row is None:
                    compared = compare_variant(workers, each, plan=plan, on_stage=_shown(bar, each.name))
                    keep(folder, compared, facts)
                    row = compared.variant
                page.variants.append(row)
                page.missing = [other.name for other in wanted[len(page.variants) :]]
                on_row(page, page.variants[-1], is_new)
                bar.update()
    return page


def _shown(bar: Any, name: str) -> Callable[[str], object]:
    """A function that has the bar show a stage: at once on a terminal, else every half minute."""
    shown = [time.monotonic()]

    def show(stage: str) -> None:
        is_due = sys.stderr.isatty() or time.monotonic() - shown[0] > LOG_SECONDS
        bar.set_description(f"{name}: {stage}", refresh=is_due)
        if is_due:
            shown[0] = time.monotonic()

    return show
