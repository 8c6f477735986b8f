"""report.md, report.html and parity.json of many variants."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.parity.variants import sentences
from benchmarks.parity.variants.chart import distance_chart
from benchmarks.parity.variants.circumstances import how, not_compared
from benchmarks.parity.variants.sentences import distance_cells, number, share
from benchmarks.report.circumstances import minute
from benchmarks.report.page import TEMPLATES, templates
from benchmarks.report.section import Section
from benchmarks.results import result_file
from benchmarks.results.formatting import interval
from benchmarks.results.formatting import number as figure
from benchmarks.results.parity_schema import Agreement, Excuse, ParityPage, Variant
from common.files import write_text
from common.language import Language

JSON, PAGES = "parity.json", ("report.html", "report.md")


def write_page(page: ParityPage, folder: Path, *, language: str) -> None:
    """Write the three files into a folder that is there."""
    for name in PAGES:
        write_text(folder / name, render(page, name, language=language))
    result_file.write(page, folder / JSON)


def render(page: ParityPage, name: str, *, language: str) -> str:
    """One of the pages as text. The HTML one holds all that it needs: nothing is fetched."""
    say = Language(language)
    template = name.replace("report", "parity")
    return templates(markdown=name.endswith(".md")).get_template(f"{template}.j2").render(**_facts(page, say))


def _facts(page: ParityPage, say: Language) -> dict[str, Any]:
    environment = page.environment
    return {
        "say": say,
        "title": say.count(
            "PyTorch and PaddlePaddle: parity of {number} variant",
            "PyTorch and PaddlePaddle: parity of {number} variants",
            len(page.variants),
        ),
        "answer": sentences.answer(say, page),
        "confidence": sentences.images_sentence(say, page),
        "sections": sections(say, page),
        "findings": [sentences.finding_sentence(say, row) for row in page.variants],
        "faults": _faults(say, page.variants),
        "how": how(say, page),
        "not_compared": not_compared(say, page),
        "date": minute(environment.get("date") or ""),
        "machine": "; ".join(environment.get("gpus") or []) or environment.get("cpu"),
        "marks": _marks(say),
        "style": (TEMPLATES / "style.css").read_text(),
        "script": (TEMPLATES / "tables.js").read_text(),
    }


def _marks(say: Language) -> dict[str, str]:
    """The class of a cell that is one of these words."""
    good = [sentences.verdict(say, "pass"), sentences.stage_verdict(say, "pass (known rounding)")]
    good.append(sentences.stage_verdict(say, "pass (known difference)"))
    bad = [sentences.verdict(say, "fail"), sentences.stage_verdict(say, "error")]
    unknown = [sentences.verdict(say, "incomplete"), sentences.verdict(say, "cannot-compare")]
    return dict.fromkeys(good, "good") | dict.fromkeys(bad, "bad") | dict.fromkeys(unknown, "unclear")


def _faults(say: Language, rows: Sequence[Variant]) -> list[dict[str, Any]]:
    """Each broken variant: where, in which lines, how it was found, and what to look at first."""
    return [
        {
            "sentence": sentences.fault_sentence(say, row),
            "places": row.fault.places,
            "details": [text for text in (row.fault.path, row.fault.note) if text],
            "causes": row.fault.likely_causes,
        }
        for row in rows
        if row.fault is not None
    ]


def sections(say: Language, page: ParityPage) -> list[Section]:
    """All tables for which there is something to show."""
    rows = page.variants
    parts = (_variants, _disagreements, _stages, _excuses, _speed)
    return [section for section in (part(say, rows) for part in parts) if section is not None]


def _variants(say: Language, rows: Sequence[Variant]) -> Section:
    """The table that a pull request shows: one row for each pair and input shape."""
    images = any(row.images for row in rows)
    features = any(row.features for row in rows)
    columns = [
        say("variant"),
        say("verdict"),
        say("float32 max |Δ|"),
        say("float32 mean |Δ|"),
        say("float64 max |Δ|"),
    ]
    columns.append(say("so float32 shows"))
    columns += [say("Top-1 agrees"), say("Top-5 agrees")] if images else []
    columns += [say("features, float32 max |Δ|"), say("features, float64 max |Δ|")] if features else []
    cells = []
    for row in rows:
        own = [_named(row), sentences.verdict(say, row.verdict), *distance_cells(row.logits)]
        own.append(sentences.finding(say, row.finding))
        if images:
            own += _agreement_cells(row.images)
        if features:
            largest, _, in_float64 = distance_cells(row.features)
            own += [largest, in_float64]
        cells.append(own)
    note = say("|Δ| is the distance between torch's and paddle's logits.")
    if features:
        note += say.space + sentences.features_note(say, rows)
    chart = distance_chart(say, rows)
    charts = [chart] if chart else []
    return Section(title=say("Variants"), note=note, columns=columns, rows=cells, charts=charts)


def _agreement_cells(found: Agreement | None) -> list[str]:
    """Top-1 and Top-5."""
    if found is None:
        return ["-", "-"]
    return [share(agreed, found.images) for agreed in (found.top1_agreed, found.top5_agreed)]


def _named(row: Variant) -> str:
    """The variant, and its input shape where its name has not got it."""
    shape = "x".join(map(str, row.input_shape))
    return row.name if row.name.endswith(shape) else f"{row.name} {shape}"


def _disagreements(say: Language, rows: Sequence[Variant]) -> Section | None:
    cells = [
        [
            row.name,
            each.image,
            str(each.float32.torch_class),
            str(each.float32.paddle_class),
            number(each.float32.torch_margin),
            number(each.float32.paddle_margin),
            number(each.float32.max_abs),
            sentences.disagreement_sentence(say, each),
        ]
        for row in rows
        for each in sentences.listed(row)
    ]
    if not cells:
        return None
    columns = [say("variant"), say("image"), say("torch's class"), say("paddle's class")]
    columns += [
        say("torch's margin"),
        say("paddle's margin"),
        say("max |Δ| of its logits"),
        say("in float64"),
    ]
    note = say("Margin: how far the best logit is ahead of the second.")
    title = say("Images to which both sides give different classes")
    return Section(title=title, note=note, columns=columns, rows=cells)


def _stages(say: Language, rows: Sequence[Variant]) -> Section | None:
    """The matrix: a variant in each row, a stage in each column."""
    names = list(dict.fromkeys(stage.stage for row in rows for stage in row.stages))
    if not names:
        return None
    cells = []
    for row in rows:
        verdicts = {stage.stage: sentences.stage_verdict(say, stage.verdict) for stage in row.stages}
        if row.unjudged_float32_gradients is not None:
            verdicts["float32"] = say("outputs pass")
        size = f"{row.parameters:,}" if row.parameters else "-"
        cells.append([row.name, size, *(verdicts.get(name, "-") for name in names)])
    note = say("All but float32 are float64, where at most 1e-12 (relative L2) passes.")
    columns = [say("variant"), say("size"), *names]
    return Section(title=say("Stages"), note=note, columns=columns, rows=cells)


def _excuses(say: Language, rows: Sequence[Variant]) -> Section | None:
    """Known roundings and differences, once each, with the variants and stages that show them."""
    found: dict[tuple[str, str], list[tuple[str, Excuse]]] = {}
    for row in rows:
        for excuse in row.excuses:
            found.setdefault((excuse.kind, excuse.what), []).append((row.name, excuse))
    if not found:
        return None
    kinds = {"rounding": say("known rounding"), "difference": say("known difference")}
    cells = [
        [
            kinds[kind],
            sentences.excuse_text(say, entries[0][1]),
            ", ".join(dict.fromkeys(name for name, _ in entries)),
            ", ".join(dict.fromkeys(excuse.stage for _, excuse in entries)),
            number(max(excuse.relative_l2 or 0.0 for _, excuse in entries)),
            number(max(excuse.left or 0.0 for _, excuse in entries)),
        ]
        for (kind, _), entries in found.items()
    ]
    columns = [say("kind"), say("what"), say("variants"), say("stages"), say("relative L2")]
    columns.append(say("left with the same on both sides"))
    note = say("Each was proven in this run: torch, computing with paddle's constant or rule, agrees.")
    return Section(title=say("Known roundings and differences"), note=note, columns=columns, rows=cells)


def _speed(say: Language, rows: Sequence[Variant]) -> Section | None:
    cells = [
        [
            row.name,
            each.case,
            figure(each.ratio),
            interval(each.ratio_ci95, say),
            sentences.speed_verdict(say, each.verdict),
            figure(each.torch_images_per_second),
            figure(each.paddle_images_per_second),
        ]
        for row in rows
        for each in row.speed
    ]
    if not cells:
        return None
    columns = [say("variant"), say("case"), say("paddle / torch"), say("95 % interval"), say("verdict")]
    columns += [say("torch images/s"), say("paddle images/s")]
    note = say("Measured by benchmarks.suite, in turns. Above 1 paddle is faster.")
    return Section(title=say("Speed"), note=note, columns=columns, rows=cells)
