"""What both frameworks share: neither of them is imported here.

Imports run one way only: common <- backends <- benchmarks.
"""

import sys

if sys.argv[:1] == ["-m"]:  # on the way to a command of ours: whatever ends it now does so in one line
    from common import early_stop

    early_stop.install()

    from common import endings

    endings.install()
