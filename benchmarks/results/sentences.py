"""Sentences that result files keep, as the messages that they are made from, and their translation.

A file keeps them in English, whatever was printed. Clauses stand behind each other with "; " between them.
"""

from common.engines.kinds import ENGINE_KINDS, OF_AHEAD, OF_EVERY_ENGINE
from common.language import Language, retold

# Why an undecided comparison is undecided, and what would decide it.
DOMINANT = {
    "rounds": "rounds scatter most",
    "processes": "pairs of processes differ most",
    "host": "what the host does is known least",
}
WOULD_DECIDE = "{flags}, about {minutes} min, would decide"
OUT_OF_REACH = "more than {hours} hours would be needed: a wider --margin decides"

# Why a comparison is invalid.
DISTURBED = "{share} of the blocks were disturbed: {facts}"
USED = "other programs used {share} of the processors"
HAD_TO_WAIT = "threads waited for a processor in {share} of the time they could run"
WITHHELD = "the host withheld {share} of the processors' time"
LOWER_CLOCK = "a lower clock"
QUIETER = "end what else runs here (top shows it) and measure again, or use fewer --threads than cores"

# Why two sides are not comparable.
UNEQUAL = "settings differ: {differences}"
DIFFERENT = "{setting} is {first} in {one} and {second} in {other}"

# Why no highest rate is known.
GENERATOR = (
    "the load generator could not keep up above {rate} requests a second: the server's own limit is not known"
)
KEEPS_NOWHERE = "no rate that was tried keeps {limit}"
LOSES = "it is not known from which rate on it loses {limit}"
ALONE = "a request alone takes {time} ms"
BLAMED = "{reason}, and others disturbed these runs"

# Warnings.
OTHERS_USED = "other processes used {share} of the processors"
CLOCK_CHANGED = "the processors' clock changed from {before} to {after} MHz"
BECAME_FASTER = "the machine became {share} faster within {combination}"
BECAME_SLOWER = "the machine became {share} slower within {combination}"
OTHERS_DISTURBED = "others disturbed the measurement of {names}"

AT_LIMIT = (
    "after {steps} steps {resident} MiB are resident, a step grew by up to {step}, and the limit is "
    "{limit} MiB"
)
STOPPED = "after {steps} steps: {reason}"  # of a side that was soaked
CUT_OFF = "{case}: {done} of {asked} pairs of processes"  # of a combination that is missing
CUT_OFF_SOAK = "{case}: after {steps} steps, and memory is followed from the start: it begins anew"
OF_SIDE = "{side}: {reason}"

_OF_KINDS = [reason for kind in ENGINE_KINDS.values() for reason in kind.reasons]
_OF_ENGINES = [*OF_AHEAD, *OF_EVERY_ENGINE, *_OF_KINDS]
MESSAGES = (
    *DOMINANT.values(),
    *(WOULD_DECIDE, OUT_OF_REACH),
    *(DISTURBED, USED, HAD_TO_WAIT, WITHHELD, LOWER_CLOCK, QUIETER),
    *(UNEQUAL, GENERATOR, KEEPS_NOWHERE, LOSES, ALONE, BLAMED),
    *(
        OTHERS_USED,
        CLOCK_CHANGED,
        BECAME_FASTER,
        BECAME_SLOWER,
        OTHERS_DISTURBED,
        CUT_OFF,
        CUT_OFF_SOAK,
        OF_SIDE,
        AT_LIMIT,
        STOPPED,
    ),
    *dict.fromkeys(clause for _, reason in _OF_ENGINES for clause in reason.split("; ")),
    DIFFERENT,  # the last: much could be read as one
)


def translated(text: str, say: Language) -> str:
    """A sentence of a file in another language.

    What it was made from is looked up by clauses. What a framework said, and other reasons of failures, stay
    as they are.
    """
    return retold(text, MESSAGES, say)
