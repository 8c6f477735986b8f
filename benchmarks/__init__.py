"""Two backends beside each other: each in a process of its own, measured and compared.

Nothing but the standard library is imported here: a worker's interpreter has little more than its framework.
"""

import common  # noqa: F401 (it ends a command in one line from the first moment)
