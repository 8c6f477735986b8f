"""Sentences that reports of parity keep, as the messages that they are made from, and their translation.

A report keeps them in English, whatever was printed. Clauses stand behind each other with "; " between them.
"""

from benchmarks.parity.judge import causes
from common.language import Language, retold

# What led to a suspect.
BETWEEN = "between {first} and {second}"
OUTPUT_DEPARTS = "{layer} agrees and the output departs"
ONLY = "only {side} runs {call} there"
DEPARTS_ALONE = "{call} departs by {gap} when it is given the very same input"
DEPARTS_INSIDE = "{call} departs by {gap} although what it is given agrees"
AGREES_ALONE = "alone it agrees"
FORWARD_DEPARTS = "{layer} agrees, what is given to {call} departs by {gap}"
BACKWARD_DEPARTS = "{layer} agrees, the gradient that comes back to {call} departs by {gap}"
AFTER_ONE_STEP = "{name} departs by {gap} after one step in training mode"
SHARE_DEPARTS = "{count} of {all} parameters depart"
NOT_REPEATED = "{side} computes something else when asked again {when}"
FIRST_NOT_REPEATED = "{side} computes something else when asked again {when}, first in {name}"
AT_ONCE, AFTER_ANOTHER = "at once", "after another call"  # when it was asked again
NO_FLIP = "no flipped decision explains it"

# Notes on a tensor.
MOVED_BY = "one unit in the last place of the {what} moves it by {gap}"
CANCELLED = "zero but for rounding ({share} of the longest of its kind)"
FROM_TRUTH = "from the float64 truth: {distances}"
FLIPS = "explained by flips ({flips})"
FLIPPED = "{side}: {count} of {all} decisions of {call} flipped, margin {margin} deviations"
MOVED_FLIPS = "explained by flips of images moved until the logits are as far from the truth"
ILL_CONDITIONED = "as ill-conditioned as that"
NAN = "{side} has NaN in {count} of {all} numbers"
INFINITY = "{side} has infinity in {count} of {all} numbers"
INNER_RATE = "drops at rate {rate} inside, which is off here: it takes no masks"
INNER_RATES = "drops at rate {ours} inside on torch, {theirs} on paddle"
DRAWS = "{count} draws of {all} numbers, which both sides were given"
LEFT_OUT = "{side} alone has it; the map leaves it out"

NOTES = (
    *(BETWEEN, OUTPUT_DEPARTS, ONLY, DEPARTS_ALONE, DEPARTS_INSIDE, AGREES_ALONE, FORWARD_DEPARTS),
    *(BACKWARD_DEPARTS, AFTER_ONE_STEP, SHARE_DEPARTS, FIRST_NOT_REPEATED, NOT_REPEATED, NO_FLIP),
    *(AT_ONCE, AFTER_ANOTHER),
    *(MOVED_BY, CANCELLED, FROM_TRUTH, FLIPPED, FLIPS, MOVED_FLIPS, ILL_CONDITIONED, NAN, INFINITY),
    *(INNER_RATE, INNER_RATES, DRAWS, *LEFT_OUT.split("; ")),
    *("images", "inputs"),
)
_GROUPS = (*causes.ARGUMENTS.values(), *causes.STAGES.values(), causes.BETWEEN, causes.NOT_FINITE)
CAUSES = tuple(dict.fromkeys(text for group in _GROUPS for text in group))


def translated(text: str, say: Language) -> str:
    """A note, or what led to a suspect, in another language. What is no sentence of ours stays as it is."""
    return retold(text, NOTES, say)


def cause(text: str, say: Language) -> str:
    """A likely cause. What is read from the atlas stays as it is."""
    return say(text) if text in CAUSES else text
