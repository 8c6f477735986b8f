"""What frameworks say while they are imported: idle lines are left out, anything else is passed on."""

import os
import subprocess
import sys
import warnings

import pytest

from common.runtime.framework_import import framework_import
from tests.support.paths import ROOT


def test_only_known_lines_are_left_out(capsys):
    with warnings.catch_warnings(record=True) as told, framework_import():
        warnings.simplefilter("always")
        print("PLEASE USE OMP_NUM_THREADS WISELY.", file=sys.stderr)
        print("the driver is too old", file=sys.stderr)
        warnings.warn("this version is not supported", stacklevel=1)
    assert [str(one.message) for one in told] == ["this version is not supported"]
    assert capsys.readouterr().err == "the driver is too old\n"


def test_what_was_said_before_a_failure_is_passed_on(capsys):
    with pytest.raises(ImportError), framework_import():
        print("libcudart.so is missing", file=sys.stderr)
        raise ImportError
    assert "libcudart" in capsys.readouterr().err


@pytest.mark.long
def test_loading_paddle_says_nothing(paddle_backend):
    code = "import backends; backends.load('paddle')"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    root = ROOT
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
