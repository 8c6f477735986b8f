"""A command of ours in a process of its own, whatever packages lie in the folder that it is started from."""

from collections.abc import Sequence
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")


def own_command(interpreter: str, module: str, arguments: Sequence[str]) -> list[str]:
    """The words that run a module of ours with another interpreter, or with this one."""
    return [interpreter, "-P", str(LAUNCH), module, *arguments]
