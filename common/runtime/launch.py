"""A command of ours, whatever packages lie in the folder that it is started from.

    python -P common/runtime/launch.py MODULE ARGUMENTS

What Python itself puts first on the path, the caller's folder, is not there (-P): it may have packages of the
same names. A file and no module, since modules are what the path would be needed for.
"""

import runpy
import sys
from pathlib import Path


def launch(module: str) -> None:
    """Run it as ``-m`` would."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from common import early_stop

    early_stop.install(module)
    from common import endings  # a signal meanwhile is seen by the one before

    endings.install(module)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    launch(sys.argv.pop(1))
