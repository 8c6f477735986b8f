"""Words of result files in the reader's language: phases, verdicts, statuses, parts of a step."""

from benchmarks.results.schema import Comparison
from common.language import Language


def phase(say: Language, word: str) -> str:
    """A phase as a heading."""
    known = {
        "infer": say("Inference"),
        "train": say("Training"),
        "data": say("Reading images"),
        "startup": say("Start-up"),
        "serve": say("Serving under the limit of latency"),
        "soak": say("Images of many shapes"),
    }
    return known.get(word, word)


def verdict(say: Language, row: Comparison) -> str:
    """The verdict of a comparison; of equal sides, within what."""
    if row.verdict == "equal" and row.margin is not None:
        return say("equal within ±{margin} %", margin=f"{row.margin:g}")
    return verdict_word(say, row.verdict)


def verdict_word(say: Language, word: str) -> str:
    """A verdict as result files have it."""
    known = {
        "torch faster": say("torch faster"),
        "paddle faster": say("paddle faster"),
        "equal": say("equal"),
        "undecided": say("undecided"),
        "invalid": say("invalid"),
        "not comparable": say("not comparable"),
    }
    return known.get(word, word)


KINDS = {
    "torch faster": "faster",
    "paddle faster": "faster",
    "equal": "equal",
    "undecided": "undecided",
    "invalid": "invalid",
    "not comparable": "missing",
    "pass": "faster",
    "pass (known rounding)": "faster",
    "pass (known difference)": "faster",
    "fail": "invalid",
    "incomplete": "undecided",
    "cannot-compare": "invalid",
    "unsupported": "missing",
    "out-of-memory": "invalid",
    "crashed": "invalid",
    "timeout": "invalid",
}  # what a badge is coloured by


def badge_kinds(say: Language, comparisons: list[Comparison]) -> dict[str, str]:
    """The kind of badge that a cell gets which is one of these words."""
    kinds = dict(KINDS) | {verdict_word(say, word): kind for word, kind in KINDS.items()}
    return kinds | {verdict(say, row): KINDS[row.verdict] for row in comparisons}
