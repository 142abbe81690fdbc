"""Choose training pairs from annotated photographs and divide them into splits.

>>> from maskmill.curate import Coco, PersonFilter, Split
>>> PersonFilter(persons=(1, 2), coverage=(0.2, 0.7)).crowd
'reject'
"""

from .coco import Coco
from .people import PersonFilter
from .split import Split

__all__ = ["Coco", "PersonFilter", "Split"]
