"""The committed table is what the command finds, and planted differences are found.

All in one test: it starts one pair of workers, which takes longer than what they are asked.
"""

import re
from dataclasses import replace
from importlib.util import find_spec

import pytest

from benchmarks.atlas.catalogue import FAMILIES, all_cases
from benchmarks.atlas.judging.examine import Examination
from benchmarks.atlas.row import DIFFERENT, ERROR, KNOWN, ROUNDED
from benchmarks.atlas.sides import Sides
from benchmarks.atlas.table import committed
from benchmarks.manager.installations import both_backends
from tests.benchmarks.atlas.planted import ALSO_PLANTED, PLANTED
from tests.conftest import REQUIRED

CASES = {case.id: case for case in all_cases()}
SAMPLED = [row for row in committed().rows[::47] if not CASES[row.id].isolated]


@pytest.fixture
def sides(tmp_path):
    for name in ("torch", "paddle"):  # in the workers alone: importing them here would take as long again
        if name not in REQUIRED and find_spec(name) is None:
            pytest.skip(f"{name} is not installed; run `make test` for the whole suite")
    with Sides(both_backends(), scratch=tmp_path) as kept:
        yield kept


def case_of(family, torch):
    return next(case for case in CASES.values() if (case.family, case.torch) == (family, torch))


def examined(sides, case, **changes):
    return Examination(sides, replace(case, edges=(), **changes)).examine()


def facts(row):
    """What of a row is the same on every machine."""
    keys = row.rounding.keys if row.rounding else None
    return row.id, row.verdict, row.where, keys, row.proof is None, row.missing


def test_one_pair_of_workers_finds_it_all(sides):
    # A planted difference in each family.
    found = {
        family: examined(sides, case_of(family, torch), paddle=wrong, rule=None).verdict
        for family, (torch, wrong) in PLANTED.items()
    }
    assert found == dict.fromkeys(FAMILIES, DIFFERENT)
    for family, known, torch, wrong in ALSO_PLANTED:
        row = examined(sides, case_of(family, known), torch=torch, paddle=wrong, rule=None)
        assert row.verdict == DIFFERENT and re.search("neighbours along axis|paddle's is", row.reason)
    # What a rounding reproduces is none of its making where it is larger than its bound.
    pool = case_of("pools", "F.lp_pool2d(x, 2.0, 2, ceil_mode=True)")
    assert examined(sides, pool, rule=None).verdict == DIFFERENT
    # A sample of the committed table, with what explains its differences.
    assert [facts(examined(sides, CASES[row.id])) for row in SAMPLED] == [facts(row) for row in SAMPLED]
    # Torch rounded an optimizer's constants and moved by paddle's rule: the next case is as it was.
    optimizers = [
        "updates(lambda p: optim.SGD(p, 0.1, 0.9), w)",
        "updates(lambda p: optim.Adamax(p, 0.01), w)",
    ]
    explained = [examined(sides, case_of("optimizers", torch)).verdict for torch in optimizers * 2]
    assert explained == [ROUNDED, KNOWN] * 2
    # A worker that dies is one result and not the end.
    relu = case_of("activations", "F.relu(x)")
    died = examined(sides, relu, paddle="paddle.os.kill(paddle.os.getpid(), 9)")
    assert died.verdict == ERROR and "killed by SIGKILL" in died.reason
    assert examined(sides, relu).verdict == "equal"
