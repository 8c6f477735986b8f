"""A command of ours in a process of its own, whatever packages lie in the folder that it is started from."""

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What Python itself puts first on the path, the caller's folder, is not there (-P): it may have a package of
# the same name.
LAUNCHER = """
import runpy, sys
sys.path.insert(0, {root!r})
from common import early_stop
early_stop.install({module!r})
from common import endings
endings.install({module!r})
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


def own_command(interpreter: str, module: str, arguments: Sequence[str]) -> list[str]:
    """The words that run a module of ours with another interpreter, or with this one."""
    return [interpreter, "-P", "-c", LAUNCHER.format(root=str(ROOT), module=module), *arguments]
