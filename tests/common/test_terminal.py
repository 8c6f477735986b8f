"""Nothing that a file or a name holds is obeyed by a terminal, and bars fit a log."""

import io
import logging

import pytest

from common import cli, terminal
from common.terminal import PrintableFormatter, how_far, printable, progress


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x07x\x7f\x9b", r"\x1b[2J\x07x\x7f\x9b"),
        ("a\u202egpj.exe\u2028", r"a\u202egpj.exe\u2028"),
        ("\udcff.jpg", r"\xff.jpg"),
        ("\U000e0001", r"\U000e0001"),
        ("龙 é \u06a9\u200c\u0628", "龙 é \u06a9\u200c\u0628"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert printable(text) == shown


@pytest.fixture(autouse=True)
def _without_bars_of_other_tests():
    terminal._bars.clear()
    yield


def test_errors_and_warnings_are_printable(capsys):
    cli.complain("x", "no image at \x1b[31m\n.jpg")
    assert capsys.readouterr().err == "x: no image at \\x1b[31m .jpg\n"
    record = logging.LogRecord("x", logging.WARNING, "", 1, "bad: %s", ("\x1b]0;t\x07",), None)
    assert PrintableFormatter("%(message)s").format(record) == r"bad: \x1b]0;t\x07"


def test_a_bar_in_a_log_is_a_line_now_and_then(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(terminal, "LOG_SECONDS", 0)
    with progress(total=3, unit="images", what="check") as bar:
        bar.update()
        assert how_far() == "at 1 of 3 images"
        bar.update(2)
    lines = stream.getvalue().splitlines()
    assert "\r" not in stream.getvalue()
    assert lines[-1].startswith("check: 100%")
    assert len(lines) == len(set(lines)) > 1
    assert how_far() == ""


def test_a_stopped_command_says_how_far_it_was(capsys, monkeypatch):
    def main(_arguments):
        with progress(total=9, unit="epochs") as early:
            early.update(4)  # ended before its total on purpose
        with progress(total=7, unit="batches") as bar, cli.noting_on_stop(lambda: "go on with --resume"):
            bar.update(2)
            raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        cli.run(main, program="x")
    assert end.value.code == 130
    assert capsys.readouterr().err.splitlines()[-1] == "x: stopped at 2 of 7 batches; go on with --resume"


def test_a_stopped_command_that_keeps_nothing_says_so(capsys):
    def main(_arguments):
        with progress(total=7, unit="images") as bar:
            bar.update(2)
            raise KeyboardInterrupt

    with pytest.raises(SystemExit):
        cli.run(main, program="x")
    said = "x: stopped at 2 of 7 images; nothing is kept: the same command begins anew"
    assert capsys.readouterr().err.splitlines()[-1] == said
    terminal._bars.clear()
