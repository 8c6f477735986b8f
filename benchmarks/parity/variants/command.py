"""The page of many pairs: ``benchmarks.parity --pairs FILE --report DIR``."""

import argparse
from collections.abc import Callable, Mapping, Sequence

from benchmarks.parity.variants import sentences
from benchmarks.parity.variants.page import JSON, PAGES, write_page
from benchmarks.parity.variants.request import read_plan, read_wanted, request_facts
from benchmarks.parity.variants.run import run_variants
from benchmarks.parity.variants.speed import require_suite, with_speed
from benchmarks.request.model_pair import ModelPair
from benchmarks.results import result_file
from benchmarks.results.parity_schema import ParityPage, Variant
from common import cli
from common.files import require_folder
from common.language import Language

Publish = Callable[[ParityPage, Mapping[str, ModelPair]], object]


def compare_pairs(options: argparse.Namespace, *, program: str, publish: Publish) -> int:
    """Compare every variant and write the page; returns the exit code.

    ``publish`` is handed the whole page and the pairs by name. 0 if all pass, 1 if one is broken, 3 if one
    could not be compared.
    """
    wanted, plan = read_wanted(options), read_plan(options)
    if options.speed:
        require_suite(options.speed)
    require_folder(options.report)
    folder, request = options.report, request_facts(options, plan)
    say = Language(options.language)

    def on_row(page: ParityPage, row: Variant, is_new: bool) -> None:
        if options.speed:
            page.variants[-1] = with_speed(row, options.speed, page.environment["backends"])
        write_page(page, folder, language=options.language)
        facts = {"done": len(page.variants), "all": len(wanted), "name": row.name, "line": _line(row, say)}
        if is_new:
            message = "{done} of {all} {name}: {verdict}; {line}"
        else:
            message = "{done} of {all} {name} (kept): {verdict}; {line}"
        print(say(message, verdict=_verdict(row, say), **facts), flush=True)

    try:
        page = run_variants(wanted, plan, folder, request=request, timeout=options.timeout, on_row=on_row)
    except (KeyboardInterrupt, cli.Terminated) as stop:
        stop.add_note(f"go on with the same flags: what is done lies in {folder}")
        raise
    if options.json:
        result_file.write(page, options.json)
    print(f"\n{sentences.answer(say, page)}\n{sentences.images_sentence(say, page)}")
    print(say("Written: {path}", path=", ".join(str(folder / name) for name in (*PAGES, JSON))))
    publish(page, {each.name: each.subject for each in wanted})
    return _code(page.variants, program=program)


def _verdict(row: Variant, say: Language) -> str:
    """As the report has it in English, which programs may read; else as the page has it."""
    return row.verdict if say.code == "en" else sentences.verdict(say, row.verdict)


def _line(row: Variant, say: Language) -> str:
    """What float64 says of the row, the fault, or why there is neither."""
    name = say("{name}: ", name=row.name)
    if row.fault is not None and row.verdict == "fail":
        places = f" ({row.fault.places[0]})" if row.fault.places else ""
        return sentences.fault_sentence(say, row).removeprefix(name) + places
    if row.reason:
        return row.reason
    return sentences.finding_sentence(say, row).removeprefix(name)


def _code(rows: Sequence[Variant], *, program: str) -> int:
    broken = [row.name for row in rows if row.verdict == "fail"]
    lost = [row.name for row in rows if row.verdict in ("cannot-compare", "incomplete")]
    if broken:
        cli.complain(program, f"parity is broken in {', '.join(broken)}")
    if lost:
        cli.complain(program, f"could not be compared: {', '.join(lost)}; the page says why")
    return cli.FAILED if broken else cli.UNAVAILABLE if lost else cli.DONE
