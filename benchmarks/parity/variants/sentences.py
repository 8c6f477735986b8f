"""What the page says, in its reader's language."""

from collections.abc import Mapping, Sequence
from math import isfinite

from benchmarks.parity.tensors.known_differences import KNOWN_DIFFERENCES
from benchmarks.parity.variants.summary import USUAL
from benchmarks.results.parity_schema import Disagreement, Distance, Excuse, ParityPage, Ranking, Variant
from common.language import Language

SHOWN = 8  # names in a sentence
OF_BROKEN = 3  # disagreements of a broken variant that are listed


def number(value: float | None) -> str:
    """A distance in two digits; a dash where there is none."""
    if value is None or not isfinite(value):
        return "-"
    return "0" if value == 0 else f"{value:.1e}"


def verdict(say: Language, word: str) -> str:
    """The verdict of a variant."""
    words = {
        "pass": say("pass"),
        "fail": say("fail"),
        "cannot-compare": say("cannot be paired"),
        "incomplete": say("incomplete"),
    }
    return words[word]


def finding(say: Language, word: str) -> str:
    """What float64 says of the distance in float32, in a word or two."""
    words = {
        "rounding": say("rounding"),
        "known rounding": say("rounding, with a known constant"),
        "unexplained": say("not explained"),
        "fault": say("a fault"),
        "hidden fault": say("a fault that float32 hides"),
        "unknown": "-",
    }
    return words[word]


def stage_verdict(say: Language, word: str) -> str:
    """The verdict of a stage."""
    words = {
        "pass": say("pass"),
        "fail": say("fail"),
        "error": say("error"),
        "pass (known rounding)": say("pass (known rounding)"),
        "pass (known difference)": say("pass (known difference)"),
    }
    return words.get(word, word)


def speed_verdict(say: Language, word: str) -> str:
    """The verdict of a comparison."""
    words = {
        "torch faster": say("torch faster"),
        "paddle faster": say("paddle faster"),
        "equal": say("equal"),
        "undecided": say("undecided"),
        "invalid": say("invalid"),
    }
    return words.get(word, word)


def finding_sentence(say: Language, row: Variant) -> str:
    """The distance in float32, and what float64 says of it."""
    logits = row.logits
    if logits is None:
        return say("{name}: nothing was compared", name=row.name)
    values = {
        "name": row.name,
        "float32": number(logits.float32_max),
        "float64": number(logits.float64_max),
        "usual": f"{USUAL:g}",
    }
    left = next((excuse.left for excuse in row.excuses if excuse.stage == "forward"), None)
    sentences = {
        "rounding": say("{name}: {float32} in float32 is rounding: {float64} in float64", **values),
        "known rounding": say(
            "{name}: {float32} in float32 is rounding: {float64} in float64, and {left} (relative L2) once "
            "torch has paddle's rounded constant as well",
            left=number(left),
            **values,
        ),
        "unexplained": say(
            "{name}: {float32} in float32 is more than rounding explains, although float64 agrees "
            "({float64})",
            **values,
        ),
        "fault": say("{name}: {float32} in float32 is a fault, no rounding: {float64} in float64", **values),
        "hidden fault": say(
            "{name}: {float32} in float32 would pass a limit of {usual}, and is a fault all the same: "
            "{float64} in float64",
            **values,
        ),
        "unknown": say("{name}: {float32} in float32; float64 has no verdict on it", **values),
    }
    return sentences[row.finding]


def fault_sentence(say: Language, row: Variant) -> str:
    """Where a variant first departs, with the lines of the user's files."""
    assert row.fault is not None
    first = row.fault
    parts = [
        say(
            "{name}: first in stage {stage}, at {tensor}",
            name=row.name,
            stage=first.stage,
            tensor=first.tensor,
        )
    ]
    if first.layer:
        parts.append(say("layer {layer}", layer=first.layer))
    if first.relative_l2 is not None:
        parts.append(say("relative L2 {gap}", gap=number(first.relative_l2)))
    return ", ".join(parts)


def answer(say: Language, page: ParityPage) -> str:
    """The page's first sentences."""
    rows, by = page.variants, _names_by_verdict(page.variants)
    passed = len(by.get("pass", ()))
    parts = [
        say.count(
            "In float64 both compute the same in {passed} of {number} variant.",
            "In float64 both compute the same in {passed} of {number} variants.",
            len(rows),
            passed=passed,
        )
    ]
    if by.get("fail"):
        parts.append(say("Broken: {names}.", names=_listed(say, by["fail"])))
    lost = [*by.get("cannot-compare", ()), *by.get("incomplete", ())]
    if lost:
        parts.append(say("Not compared: {names}.", names=_listed(say, lost)))
    passing = {
        row.name: row.logits.float32_max or 0.0 for row in rows if row.verdict == "pass" and row.logits
    }
    if passing:
        name = max(passing, key=lambda each: passing[each])
        parts.append(
            say(
                "Where they agree, the logits differ by at most {size} in float32 ({name}): rounding.",
                size=number(passing[name]),
                name=name,
            )
        )
    return say.space.join(parts)


def images_sentence(say: Language, page: ParityPage) -> str:
    """Agreement over all images of the variants that pass: of those that are broken it says nothing more."""
    counted = [row for row in page.variants if row.images and row.images.top1_agreed is not None]
    found = [row.images for row in counted if row.images and row.verdict == "pass"]
    total, agreed = sum(each.images for each in found), sum(each.top1_agreed or 0 for each in found)
    if not counted:
        return say("No photographs were compared.")
    if not total:
        return say("No variant passes, so that agreement on photographs says nothing.")
    return say(
        "Where float64 agrees, Top-1 agrees in {agreed} of {total} predictions ({share}): {images} "
        "photographs for each variant.",
        agreed=f"{agreed:,}",
        total=f"{total:,}",
        share=f"{agreed / total:.2%}",
        images=f"{max(each.images for each in found):,}",
    )


def listed(row: Variant) -> list[Disagreement]:
    """The disagreements that the page lists: of a broken variant a few will do."""
    found = row.images.disagreements if row.images else []
    return found if row.verdict == "pass" else found[:OF_BROKEN]


def share(agreed: int | None, images: int) -> str:
    """How many of the images, and in percent; a dash where that was not counted."""
    return "-" if agreed is None or not images else f"{agreed:,}/{images:,} ({agreed / images:.2%})"


def disagreement_sentence(say: Language, row: Disagreement) -> str:
    """What decides an image of which both sides say different classes."""
    ranked = row.float64
    if ranked is None:
        return say("not looked at in float64")
    if ranked.torch_class != ranked.paddle_class:
        values = {"margin": number(ranked.torch_margin), "gap": number(ranked.max_abs)}
        if _is_tied(ranked):
            return say("tied in float64 as well: margin {margin}, |Δ| {gap}", **values)
        return say("float64 differs as well: margin {margin}, |Δ| {gap}", **values)
    if not _is_tied(row.float32):
        return say("no tie: the distance is smaller than the margins")
    return say(
        "nearly tied: in float64 both say {class_number}, with a margin of {margin}",
        class_number=ranked.torch_class,
        margin=number(ranked.torch_margin),
    )


def _is_tied(ranked: Ranking) -> bool:
    """True if the distance of the logits can turn the two best classes over: each may move by as much."""
    margins = (ranked.torch_margin, ranked.paddle_margin, ranked.max_abs)
    if None in margins:
        return False
    return min(ranked.torch_margin or 0.0, ranked.paddle_margin or 0.0) <= 2 * (ranked.max_abs or 0.0)


def excuse_text(say: Language, excuse: Excuse) -> str:
    """A known rounding, or both rules of a known difference."""
    if excuse.kind == "rounding":  # of which several may act together
        return "; ".join(say(constant) for constant in excuse.what.split("; "))
    rule = KNOWN_DIFFERENCES[excuse.what]
    return say("torch {torch}, paddle {paddle}", torch=say(rule.torch), paddle=say(rule.paddle))


def features_note(say: Language, rows: Sequence[Variant]) -> str:
    """What the features are."""
    layers = dict.fromkeys(row.features.layer for row in rows if row.features and row.features.layer)
    return say(
        "Features are what goes into the last layer with parameters: {layers}.",
        layers=_listed(say, [*layers]),
    )


def distance_cells(row: Distance | None) -> list[str]:
    """Largest and mean distance in float32, largest in float64."""
    if row is None:
        return ["-", "-", "-"]
    return [number(row.float32_max), number(row.float32_mean), number(row.float64_max)]


def _names_by_verdict(rows: Sequence[Variant]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.verdict, []).append(row.name)
    return found


def _listed(say: Language, names: Sequence[str | None]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(str(name) for name in names[:SHOWN])
    more = len(names) - SHOWN
    return shown if more <= 0 else say("{names} and {more} more", names=shown, more=more)
