"""Limits of single rows: a row's own counts, an unknown row is refused, and a gate holds each to its own."""

from types import SimpleNamespace

import pytest

from benchmarks import compare, run
from benchmarks.analysis.regression import changes
from benchmarks.request.case import Case
from benchmarks.request.limits import Limits, read_limits
from common.cli import UsageError
from tests.support.commands import ended
from tests.support.reports import report

INFER, TRAIN = (
    Case(phase=phase, engine="eager", precision="fp32", batch_size=8, threads=2)
    for phase in ("infer", "train")
)
FILE = """
["infer *"]
max_regression = 3
["paddle train eager fp32 batch 8"]
max_regression = 20
["*"]
max_regression = 7.5
"""


def read(tmp_path, text, *, gate="before.json"):
    path = tmp_path / "limits.toml"
    path.write_text(text)
    options = SimpleNamespace(limits=path, max_regression=5.0, baseline=gate)
    return read_limits(options, gate="baseline", cases=[INFER, TRAIN])


def test_a_rows_own_limit_goes_before_patterns_and_the_first_pattern_counts(tmp_path):
    limits = read(tmp_path, FILE)
    assert limits.of(INFER, backend="torch") == 3
    assert limits.of(TRAIN, backend="paddle") == 20
    assert limits.of(TRAIN, backend="torch") == 7.5
    assert limits.strictest([INFER, TRAIN]) == 3
    assert limits.strictest([TRAIN], backends=["paddle"]) == 20
    assert read(tmp_path, "").of(INFER, backend="torch") == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('["infer eager fp32 batch 9"]\nmax_regression = 3', "did you mean 'infer eager fp32 batch 8'?"),
        ('["paddel infer *"]\nmax_regression = 3', "nothing that is measured is named 'paddel infer \\*'"),
        ('["xyz"]\nmax_regression = 3', "there are 'torch infer eager fp32 batch 8', 'infer eager"),
        ('["infer *"]\nmax-regression = 3', "unknown key 'max-regression'; there is max_regression"),
        ('["infer *"]\nmax_regression = "3 %"', "is a percentage from 0 to 100, not '3 %'"),
        ('["infer *"]\nmax_regression = 101', "from 0 to 100, not 101"),
        ('["infer *"]', "from 0 to 100, not None"),
        ("infer = 3", 'write \\["infer"\\]'),
        ("[infer", "is no TOML"),
    ],
)
def test_what_is_no_limit_of_a_row_is_refused(tmp_path, text, said):
    with pytest.raises(UsageError, match=said):
        read(tmp_path, text)


def test_limits_without_the_gate_that_they_belong_to_are_refused(tmp_path, capsys):
    with pytest.raises(UsageError, match="says what --baseline allows; give that, too"):
        read(tmp_path, FILE, gate=None)
    place = ["--limits", str(tmp_path / "limits.toml"), "--model", "lenet5"]
    for main, more in ((run.main, ["--backend", "torch"]), (compare.main, [])):
        code, _, errors = ended(main, [*place, *more], capsys)
        assert (code, len(errors)) == (2, 1)


def test_a_gate_holds_each_row_to_its_own_limit():
    """Paddle is 15 % slower in eager mode: 20 % are allowed there to one, 5 % to the other."""
    before, now = report(width=0.005), report(100, 25 * 0.85, width=0.005)
    loose = {"paddle infer eager fp32 batch 8": 20.0}
    found = changes(now, before, limits=Limits(default=5.0, rows=loose))
    eager = next(entry for entry in found if entry.engine == "eager")
    assert (eager.max_regression, eager.regression) == (20.0, False)
    found = changes(now, before, limits=Limits(default=100.0, rows={"infer eager*": 10.0}))
    assert [entry.engine for entry in found if entry.regression] == ["eager"]
    assert not any(entry.regression for entry in changes(now, before, limits=Limits(default=100.0)))
