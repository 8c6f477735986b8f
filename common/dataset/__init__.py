"""Which images are there, and how are they labelled?"""

from common.dataset.checking import check_list
from common.dataset.index import Index, require_images, require_labels
from common.dataset.lists import read_list, write_lists
from common.dataset.sources import complete, read_source, split

__all__ = [
    "Index",
    "check_list",
    "complete",
    "read_list",
    "read_source",
    "require_images",
    "require_labels",
    "split",
    "write_lists",
]
