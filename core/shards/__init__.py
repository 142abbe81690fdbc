"""The dataset on disk: Parquet shards that any tool opens and whose pictures are one read away."""

from .dataset import Dataset, View
from .schema import FORMAT
from .storage import open_storage
from .verdicts import Verdict, append_verdicts, read_verdicts
from .verification import Problem, strays, verify
from .writer import ShardWriter

__all__ = [
    "FORMAT",
    "Dataset",
    "Problem",
    "ShardWriter",
    "Verdict",
    "View",
    "append_verdicts",
    "open_storage",
    "read_verdicts",
    "strays",
    "verify",
]
