"""What both frameworks share: neither of them is imported here.

Imports run one way only: common <- backends <- benchmarks.
"""

import sys

from common import endings

if sys.argv[:1] == ["-m"]:  # on the way to a command of ours: errors of its imports end it in one line
    endings.install()
