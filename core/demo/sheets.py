"""Before and after: some product pairs, drawn as `maskmill stitch --sheet` draws them."""

from pathlib import Path
from typing import Any

from maskmill.report.stitching import write_pair_sheet
from maskmill.sample import Sample
from maskmill.shards import Dataset
from maskmill.stitch import ClipContext, ClipPairs, align, decode_clip
from maskmill.work import one_thread

from .products import MAKINGS

Row = dict[str, Any]


def write_pair_sheets(folder: Path, source: ClipPairs, dataset: Dataset) -> list[Path]:
    """Draw a pair of each making that was kept, and what was refused; a sheet that is there stays.

    Parameters
    ----------
    folder : Path
        Gets a JPEG for each, named after its clip and its key.
    source : ClipPairs
    dataset : Dataset
        Made of it: its alphas are shown, and the reasons in its ledger.

    Returns
    -------
    list of Path
    """
    ledger = dataset.ledger().to_pylist()
    refused: dict[str, Row] = {row["key"]: row for row in ledger if row["key"]}
    read = [item for part in source.plan(()) for item in source.read(part)]
    pairs = [item for item in read if isinstance(item, Sample)]
    kept = [pair for pair in pairs if pair.key not in refused][: len(MAKINGS)]
    paths: list[Path] = []
    for pair in (*kept, *(pair for pair in pairs if pair.key in refused)):
        paths.append(folder / f"{Path(pair.origin).stem}-{pair.key[:8]}.jpg")
        if not paths[-1].is_file():
            with one_thread():  # pictures this small are done sooner so
                _draw(paths[-1], pair, dataset, refused.get(pair.key))
    return paths


def _draw(path: Path, pair: Sample, dataset: Dataset, refused: Row | None) -> None:
    context = pair.context
    if not isinstance(context, ClipContext):
        raise TypeError(f"a pair's context must be a ClipContext, got {context!r}")
    clip = decode_clip(context.clip)
    found = align(pair.image, clip)
    lies = f"score {found.score:.2f}, scale {found.scale:.3f}" + ", mirrored" * found.mirrored
    lines = [
        f"{pair.origin} on {context.original}, {pair.width} x {pair.height}",
        f"refused: {refused['reason']}" if refused else f"kept: {lies}",
    ]
    matrix = found.matrix if found.accepted else None
    alpha = None if refused else dataset.sample(pair.key).alpha
    write_pair_sheet(path, pair.image, clip, matrix, alpha, lines)
