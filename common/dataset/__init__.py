"""Which images are there, and how are they labelled?"""

from common.dataset.checking import ListCheck
from common.dataset.index import Index, require_images, require_labels
from common.dataset.lists import read_list, write_lists
from common.dataset.sources import read_source
from common.dataset.splitting import complete, split

__all__ = [
    "Index",
    "ListCheck",
    "complete",
    "read_list",
    "read_source",
    "require_images",
    "require_labels",
    "split",
    "write_lists",
]
