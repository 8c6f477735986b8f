"""One line of the atlas: an operation in both frameworks' own words, with what it is given."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from benchmarks.atlas.cases.drawing import EDGES
from benchmarks.atlas.cases.spelling import operation_of
from benchmarks.parity.tensors.known_differences import KNOWN_DIFFERENCES

Compared = Literal["values", "distribution"]
SIZES = {"B": 2, "C": 4, "S": 7}  # of the semantic half: what the letters of shapes and spellings mean


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Why the two differ, and torch's spelling of paddle's rule, which proves it.

    ``key`` is its name in parity's table of known differences, where it has one.
    """

    torch: str
    sentence: str
    key: str = ""

    @classmethod
    def known(cls, key: str, torch: str) -> "Rule":
        """A rule of parity's table."""
        return cls(torch=torch, sentence=KNOWN_DIFFERENCES[key].sentence, key=key)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Two spellings of one operation, Python expressions in a worker's namespace (``probe``).

    An expression whose value is a layer is called with the inputs, in order; both sides get equal weights.
    ``inputs`` are shapes and kinds by name, see ``drawing``. ``compared`` is "distribution" of what is
    random; such a one is timed on inputs ``timed_as``. ``training`` puts layers into training mode. Without
    ``timed`` there is nothing to time; ``edges`` are the unusual inputs that are tried. What is ``isolated``
    may corrupt a worker's memory: the workers end with it. ``instead`` is the spelling on a side that has no
    operation of that name, and ``note`` is what a porter has to know.
    """

    family: str
    torch: str
    paddle: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    has_own_inputs: bool = False
    compared: Compared = "values"
    training: bool = False
    timed: bool = True
    timed_as: str = ""
    edges: Sequence[str] = tuple(EDGES)
    isolated: bool = False
    instead: str = ""
    rule: Rule | None = None
    note: str = ""

    @property
    def id(self) -> str:
        """The name by which results, tables and ``--only`` know it."""
        theirs = f" / {self.paddle}" if self.paddle != self.torch else ""
        mode = " [training]" if self.training else ""
        given = ", ".join(f"{name} {text}" for name, text in self.inputs.items() if self.has_own_inputs)
        return f"{self.family}: {self.torch}{theirs}{mode}{f' ({given})' if given else ''}"

    @property
    def operation(self) -> str:
        """Torch's function, layer or method: what configurations have in common."""
        return operation_of(self.torch, self.inputs)

    @property
    def timed_inputs(self) -> Mapping[str, str]:
        """What it is given when it is timed: at two sizes, where a distribution is seen at one."""
        return {name: self.timed_as or text for name, text in self.inputs.items()}

    @property
    def fingerprint(self) -> int:
        """A number that differs where anything of the case does: rows of another are of no use."""
        return zlib.crc32(json.dumps(asdict(self), sort_keys=True).encode())

    def spelling(self, backend: str) -> str:
        """The expression of a backend."""
        return self.torch if backend == "torch" else self.paddle


Line = dict[str, Any]  # a case but for its family and, where none are given, its inputs


def same(spelling: str, **options: Any) -> Line:
    """A line whose two sides are spelled alike, but for the framework's name. See ``pair``."""
    return pair(spelling, re.sub(r"\btorch\.", "paddle.", spelling), **options)


def pair(torch: str, paddle: str, **options: Any) -> Line:
    """A line with a spelling of each side. Options are a Case's, all others inputs."""
    own, inputs = _split(options)
    return {"torch": torch, "paddle": paddle, **own, "inputs": inputs}


def layer(spelling: str, **options: Any) -> Line:
    """A line of a layer whose sides differ in words alone: Conv2D, bias_attr, epsilon. See ``pair``."""
    theirs = re.sub(r"\bConvTranspose([123])d\b", r"Conv\1DTranspose", spelling)
    theirs = re.sub(r"\b(nn\.\w*[123])d\b", r"\1D", theirs)
    for ours, word in (("bias=", "bias_attr="), ("eps=", "epsilon="), ("return_indices", "return_mask")):
        theirs = theirs.replace(ours, word)
    return pair(spelling, theirs, **options)


def family(name: str, *lines: Line, **options: Any) -> tuple[Case, ...]:
    """A family's cases. Options are those of a Case, and inputs of every line that has none of its own."""
    own, inputs = _split(options)
    return tuple(_case(line, {**own, "family": name}, inputs) for line in lines)


def _split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A Case's options, and inputs."""
    own = {name: value for name, value in options.items() if name in Case.__dataclass_fields__}
    return own, {name: text for name, text in options.items() if name not in own}


def _case(line: Line, common: Mapping[str, Any], inputs: Mapping[str, str]) -> Case:
    given = line["inputs"] or inputs
    return Case(**{**common, **line, "inputs": given, "has_own_inputs": bool(line["inputs"])})
