"""Words of result files in the reader's language: phases as headings, and the badge of each verdict."""

from benchmarks.report.words import verdict_words
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
    kinds = dict(KINDS) | {say(word): kind for word, kind in KINDS.items()}
    return kinds | {verdict_words(row, say): KINDS[row.verdict] for row in comparisons}
