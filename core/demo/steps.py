"""The journey itself: sources, filter and realign, refine, shard, train, look."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from maskmill.curate import Coco, NearDuplicates, PersonFilter, Split
from maskmill.execute import Report, run
from maskmill.images import Alpha, Image, encode_alpha
from maskmill.pipeline import Pipeline
from maskmill.refine import AutoRefine
from maskmill.report import Row, write_report, write_sheet
from maskmill.shards import Dataset, View
from maskmill.source import Source
from maskmill.stitch import ClipMatte, ClipPairs, Realign
from maskmill.synth import Composite, Renders

from .backgrounds import write_backgrounds
from .photographs import write_photographs
from .products import write_products
from .rendered import write_rendered
from .sheets import write_pair_sheets

# Small enough for seconds a step on two cores, large enough to see a person.
SIZE, BATCH = 128, 4
# Held-out samples to predict, and how many of them the contact sheet shows.
PREDICTED, SHOWN = 24, 12


class Progress(Protocol):
    """Called with (label, done, total) and, where there is one, a note such as the loss."""

    def __call__(self, label: str, done: int, total: int, note: str = "") -> None: ...


def journey(
    out: Path,
    *,
    coco: tuple[Path, Path] | None = None,
    count: int = 240,
    renders: int = 12,
    steps: int = 120,
    workers: int | None = None,
    seed: int = 0,
    progress: Progress,
    say: Callable[[str], None] = print,
) -> Report:
    """Make the whole journey into the folder `out` and return the report of its run.

    Parameters
    ----------
    out : Path
        Gets photographs/, products/, rendered/, backgrounds/, dataset/, training/, predictions/,
        sheet.png and report.html.
    coco : (Path, Path), optional
        The user's annotations and the folder of their photographs, instead of the embedded ones;
        there are no products and no rendered people then.
    count : int
        Embedded pictures to make.
    renders : int
        People to render, where there is Blender.
    steps : int
        Training steps.
    workers : int or None
        Processes of a local Dask cluster; None: serial.
    seed : int
        Of the pictures, the training and the random samples shown.
    progress : callable
    say : callable
        Called with each line that tells the user what was done.
    """
    products: ClipPairs | None = None
    synthetic: dict[str, tuple[Pipeline, Source]] = {}
    if coco is None:
        annotations, images = write_photographs(
            out / "photographs",
            count=count,
            seed=seed,
            progress=lambda done, total: progress("photographs", done, total),
        )
        say(f"1 source   {annotations}")
        pairs, clips = write_products(
            (annotations, images),
            out / "products",
            seed=seed,
            progress=lambda done, total: progress("clips", done, total),
        )
        say(f"           {pairs}")
        products = ClipPairs(str(images), str(clips), str(pairs), samples_per_partition=4)
        if renders and write_rendered(
            out / "rendered",
            count=renders,
            seed=seed,
            workers=workers or 1,
            progress=lambda done, total: progress("render", done, total),
            say=say,
        ):
            say(f"           {out / 'rendered'}")
            places, about = write_backgrounds(out / "backgrounds", seed=seed)
            say(f"           {places}")
            layers = str(out / "rendered")
            synthetic = {
                "synthetic": (Pipeline(), Renders(layers, samples_per_partition=6)),
                "composites": (Pipeline(), _composites(layers, str(places), str(about))),
            }
    else:
        annotations, images = coco
        say(f"1 source   {annotations} (yours)")

    people = Pipeline(PersonFilter(persons=(1, 2), coverage=(0.2, 0.7))) | AutoRefine()
    sources: dict[str, tuple[Pipeline, Source]] = {
        "people": (people, Coco(str(annotations), str(images), samples_per_partition=32))
    }
    if products:
        sources["products"] = (Pipeline(Realign()) | ClipMatte() | AutoRefine(), products)
    sources |= synthetic
    report = run(
        sources,
        str(out / "dataset"),
        finish=[NearDuplicates(), Split(train=0.7, val=0.2, test=0.1)],
        workers=workers,
        progress=progress,
    )
    say(f"2 filter{' and realign' if products else ''}, 3 refine, 4 shard")
    say("\n".join(f"  {line}" for line in str(report).splitlines()))
    if report.reused:
        say(f"  resumed: {report.reused} of {report.partitions} partitions were finished already")
    if report.kept == 0:
        raise ValueError("nothing was kept, so there is nothing to train on; see the reasons above")
    look(out, train(out, steps, seed, progress, say), products, seed, progress, say)
    return report


def _composites(foregrounds: str, backgrounds: str, about: str) -> Composite:
    return Composite(
        foregrounds,
        backgrounds,
        per_foreground=2,
        place="draw",
        size=256,
        about=about,
        samples_per_partition=6,
    )


def train(
    out: Path, steps: int, seed: int, progress: Progress, say: Callable[[str], None]
) -> tuple[Path, list[float]]:
    """Train U-2-NetP for a few steps; return its checkpoint and the losses."""
    from maskmill.train import CannotResumeError, FitResult, fit

    dataset = Dataset(out / "dataset")
    splits = set(dataset.split().table["split"].to_pylist())
    view = dataset.split("train" if "train" in splits else None)

    def go(*, resume: bool) -> FitResult:
        return fit(
            view,
            out=out / "training",
            steps=steps,
            batch=min(BATCH, len(view)),
            size=SIZE,
            seed=seed,
            validation=dataset.split("val") if "val" in splits else None,
            resume=resume,
            progress=lambda step, all_steps, loss: progress(
                "train", step, all_steps, f"loss {loss:.3f}"
            ),
            log=lambda line: None,
        )

    say("5 train    U-2-NetP")
    try:
        result = go(resume=True)
    except CannotResumeError as error:
        say(f"  starts over, as the earlier training does not fit: {error}")
        result = go(resume=False)
    if result.resumed_from:
        say(f"  resumed: went on from step {result.resumed_from} of {result.steps}")
    every = max(1, result.steps // 8)
    for start in range(0, result.steps, every):
        chunk = result.losses[start : start + every]
        last = start + len(chunk)
        say(f"  steps {start + 1:>4} to {last:>4}: mean loss {sum(chunk) / len(chunk):.3f}")
    if result.iou is not None:
        say(f"  mean IoU on the validation split: {result.iou:.3f}")
    return result.checkpoint, result.losses


def look(
    out: Path,
    trained: tuple[Path, list[float]],
    products: ClipPairs | None,
    seed: int,
    progress: Progress,
    say: Callable[[str], None],
) -> None:
    """Write predictions, the sheets and the report page, and say where they are."""
    checkpoint, losses = trained
    dataset = Dataset(out / "dataset")
    view = held_out(dataset)
    predictions = Predictions(checkpoint, view)
    folder = out / "predictions"
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for number, sample in enumerate(view):
        alpha = predictions[sample.key]
        (folder / f"{sample.key[:12]}.alpha.png").write_bytes(encode_alpha(alpha))
        rows.append(Row.of(sample, alpha))
        progress("predict", number + 1, len(view))
    shown = rows[:: max(1, -(-len(rows) // SHOWN))]  # of every source
    sheet = write_sheet(out / "sheet.png", shown, across=2)
    notes: list[str] = []
    if products:
        pairs = write_pair_sheets(out / "products" / "sheets", products, dataset)
        notes.append(
            f"Product photographs before and after, {len(pairs)} of them: products/sheets/, "
            "beside this page."
        )
    page = write_report(
        dataset,
        out / "report.html",
        title="maskmill demo",
        notes=notes,
        predictions=predictions,
        losses=losses,
        seed=seed,
        progress=progress,
    )
    say("6 look")
    say(f"  predictions     {folder}")
    say(f"  contact sheet   {sheet}")
    if products:
        say(f"  before, after   {out / 'products' / 'sheets'}")
    say(f"  report          {page}")


def held_out(dataset: Dataset) -> View:
    """Return a few samples that the network was not trained on, or of any where it was on all."""
    everything = dataset.split()
    splits = everything.table["split"].to_pylist()
    unseen = [row for row, split in enumerate(splits) if split in ("test", "val")]
    rows = unseen or list(range(len(everything)))
    return View(dataset.storage, everything.table.take(rows[:: -(-len(rows) // PREDICTED)]))


class Predictions(Mapping[str, Alpha]):
    """Predictions for a view by key, made when they are asked for and kept."""

    def __init__(self, checkpoint: Path, view: View) -> None:
        from maskmill.train import predict

        self._rows = {key: row for row, key in enumerate(view.keys)}
        self._view = view
        self._made: dict[str, Alpha] = {}
        self._asked = 0
        self._alphas = predict(checkpoint, self._images())  # loads the network once

    def _images(self) -> Iterator[Image]:
        while True:
            yield self._view[self._asked].image

    def __getitem__(self, key: str) -> Alpha:
        if key not in self._made:
            self._asked = self._rows[key]
            self._made[key] = next(self._alphas)
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
