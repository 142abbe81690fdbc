"""Draw the curate room's pictures: a contact sheet for every reason, from stages that really ran.

Every panel names the word that its stage must come to; another one is an error. The material is
that of the demo, so all of it may be shown: photographs of the scikit-image wheel, our outlines and
keypoints, and what is composed of them.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from curate_cases import Case, Sheet, sheets
from curate_copies import bridge_sheet, copies_sheet
from curate_drawings import annotated
from curate_scenes import Photographs, Shot, write_coco
from picture_sheets import PEOPLE, Mask, Panel, outlined, sheet, values, write_sheet

from maskmill.curate import Coco, PersonFilter
from maskmill.demo.photographs import write_photographs
from maskmill.demo.scene import segmentation
from maskmill.images import Image
from maskmill.sample import Dropped, Sample

_NUMBERS = ("persons", "crowds", "coverage", "coverage_bound", "bound")


def draw_all(folder: Path) -> Iterator[Path]:
    """Write every sheet into a folder, as ``curate_<reason>.png``."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for word, panels in _filtered(scratch / "demo").items():
            yield _written(folder, word, panels, 4, 300)
        photographs = Photographs(scratch / "photographs")
        for one in sheets(photographs):
            panels = _judged(one, scratch / one.name, photographs)
            yield _written(folder, one.name, panels, one.across, one.side)
        yield _written(folder, "broken_masks", _broken(scratch / "broken", photographs), 3, 300)
        copies = copies_sheet(scratch / "copies", photographs, 200)
        yield _written(folder, "duplicate", copies, 6, 200)
        bridge = bridge_sheet(scratch / "bridge", photographs, 240)
        yield _written(folder, "bridge", bridge, 3, 240)


def _written(folder: Path, name: str, panels: Sequence[Panel], across: int, side: int) -> Path:
    path = folder / f"curate_{name}.png"
    write_sheet(path, sheet(panels, across=across, side=side))
    return path


def _read(annotations: Path, images: Path) -> list[Sample | Dropped]:
    source = Coco(str(annotations), images=str(images))
    return [item for partition in source.plan([]) for item in source.read(partition)]


def _judged(one: Sheet, folder: Path, photographs: Photographs) -> list[Panel]:
    """Read the shots back through the source, as any COCO file's, and run their stages."""
    shots = {f"{number:02d}": case.shot for number, case in enumerate(one.cases)}
    found = _read(*write_coco(folder, shots, photographs.categories))
    panels: list[Panel] = []
    for case, sample in zip(one.cases, found, strict=True):
        if isinstance(sample, Dropped):
            raise TypeError(f"{one.name}: {case.note!r} must be readable, got {sample}")
        panels.append(_panel(case, sample, one))
    return panels


def _panel(case: Case, sample: Sample, one: Sheet) -> Panel:
    result = case.stage(sample)
    title, words = outcome(sample, result)
    if case.word not in words and (case.word or words):
        raise ValueError(
            f"{one.name}: {case.note!r} must come to {case.word or 'nothing'}, got {title}"
        )
    numbers = result.values if isinstance(result, Dropped) else result.scores
    chosen = {name: numbers[name] for name in case.numbers}
    after = sample if isinstance(result, Dropped) else result
    return Panel(one.draw(sample, after, one.side), title, [values(chosen), case.note])


def outcome(sample: Sample, result: Sample | Dropped) -> tuple[str, list[str]]:
    """Return what became of a sample, as a title, and the words of it."""
    if isinstance(result, Dropped):
        return f"dropped: {result.reason}", [result.reason]
    tags = [tag for tag in result.tags if tag not in sample.tags]
    return (f"tagged: {', '.join(tags)}" if tags else "kept"), tags


def _filtered(scratch: Path) -> Mapping[str, list[Panel]]:
    """Draw four pictures of the demo's set for every reason of the filter, and four that stay."""
    stage = PersonFilter()
    words = ("kept", "person_count", "crowd", "too_small", "too_large")
    panels: dict[str, list[Panel]] = {word: [] for word in words}
    for sample in _read(*write_photographs(scratch, count=84)):
        if isinstance(sample, Dropped):
            raise TypeError(f"the demo's pictures must be readable, got {sample}")
        result = stage(sample)
        title, _ = outcome(sample, result)
        drawn = panels[title.split()[-1]]
        if len(drawn) < 4:
            found = result.values if isinstance(result, Dropped) else result.scores
            line = values({name: found[name] for name in _NUMBERS if name in found})
            drawn.append(Panel(annotated(sample, sample, 300), title, [line]))
    return panels


def _broken(scratch: Path, photographs: Photographs) -> list[Panel]:
    """Draw what broken masks of a person would show if anybody trusted them."""
    shot = photographs.shot("astronaut").without("helmet").cropped(0, 0, 460, 512)
    height, width = shot.scene.size
    amount = shot.scene.things[0].amount
    (outline,), _, (left, top, wide, tall) = segmentation(amount, "polygons")
    lost, corners = [*outline[:201], *outline[202:]], [left, top, left + wide, top + tall]
    lying = segmentation(np.ascontiguousarray(amount.T), "rle")[0]
    runs = np.repeat(np.arange(len(lying["counts"])) % 2, lying["counts"])
    panels: list[Panel] = []
    for word, written, mask, note in (
        (
            "odd_polygon",
            [lost],
            _drawn(lost[:-1], shot),
            "One y is missing; from there on every x is a y.",
        ),
        (
            "short_polygon",
            [corners],
            _drawn(corners, shot),
            "Four numbers: the corners of a box, or a line.",
        ),
        (
            "rle_size",
            lying,
            runs.reshape(width, height).T > 0,
            "Run lengths of a frame that lies on its side.",
        ),
    ):
        broken = {word: replace(shot, written={0: written})}
        (item,) = _read(*write_coco(scratch / word, broken, photographs.categories))
        if not isinstance(item, Dropped) or item.reason != word:
            raise ValueError(f"{note!r} must come to {word}, got {item}")
        pictures = [outlined(_tinted(shot.scene.pixels, mask), side=300)]
        panels.append(Panel(pictures, f"dropped: {word}", [values(item.values), note]))
    return panels


def _drawn(points: Sequence[float], shot: Shot) -> Mask:
    mask = np.zeros(shot.scene.size, np.uint8)
    corners = np.rint(np.reshape(points, (-1, 2))).astype(np.int32)
    cv2.fillPoly(mask, [corners], 1)
    cv2.polylines(mask, [corners], True, 1, 3)
    return mask > 0


def _tinted(pixels: Image, mask: Mask) -> Image:
    """Lay a colour over a mask of which an outline would not make sense."""
    mixed = 0.4 * pixels + 0.6 * np.array(PEOPLE, np.float32)
    return np.where(mask[..., None], mixed, pixels).astype(np.uint8)
