import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pyarrow as pa
import pytest
from procedural import Discs, FailsOn, Identity, Smallest, disc

import maskmill as mm
from maskmill.images import decode_image
from maskmill.light import composite
from maskmill.report import Row, contact_sheet, write_report, write_sheet
from maskmill.report.charts import axis_of, curve, histogram
from maskmill.report.funnel import funnels
from maskmill.report.gallery import Order, choose_order, drawn, worst
from maskmill.report.pictures import picture
from maskmill.report.sheet import BACKDROP
from maskmill.shards import Dataset
from maskmill.source import Partition
from maskmill.stage import Feature

HOSTILE = "a/<script>alert('&')</script>\" onerror=\"alert(1)\u202e\x07.jpg"
PAPER, WELL = (250, 250, 248), (236, 236, 232)


@dataclass(frozen=True)
class Hostile:
    """Two discs whose facts come from somebody who means ill."""

    def plan(self, stages: object) -> list[Partition]:
        return [Partition((0, 1), "hostile", 2)]

    def read(self, partition: Partition) -> Iterator[mm.Sample]:
        for number in partition.items:
            yield replace(disc(number), origin=f"{HOSTILE}{number}", licence="<img src=x>").tagged(
                "<b>"
            )


@dataclass(frozen=True)
class Sharp:
    """Scores a disc."""

    def __call__(self, sample: mm.Sample) -> mm.Sample:
        return sample.scored(sharpness=float(sample.image.std())).tagged("round")


@dataclass(frozen=True)
class Never:
    """Keeps nothing."""

    def __call__(self, sample: mm.Sample) -> mm.Dropped:
        return mm.Dropped(sample, "never", {"hope": 0.0})


@dataclass(frozen=True)
class Marked:
    """A table stage that puts the first half of the samples into train and the rest aside."""

    features: ClassVar[tuple[Feature, ...]] = ()

    def __call__(self, table: pa.Table) -> pa.Table:
        half = table.num_rows // 2
        rest = table.num_rows - half
        return pa.table(
            {
                "key": table["key"],
                "split": ["train"] * half + ["val"] * rest,
                "status": ["kept"] * (table.num_rows - 1) + ["duplicate"],
            }
        )


class Page(HTMLParser):
    """What a browser would make of a page: its elements, its text, its table rows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        last = self.elements[-1][0] if self.elements else ""
        if last in ("td", "th", "summary") and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def row(self, first: str) -> list[str]:
        return next(row for row in self.rows if row and row[0] == first)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    out = tmp_path_factory.mktemp("report") / "dataset"
    pipeline = mm.Pipeline(FailsOn()) | Smallest(0.2) | Sharp()
    sources = {
        "discs": (pipeline, Discs(30, empty=7)),
        "more": (mm.Pipeline(Sharp()), Discs(12, first=100)),
    }
    mm.run(sources, str(out), finish=[Marked()])
    return Dataset(out)


@pytest.fixture(scope="module")
def page(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(write_report(dataset, tmp_path_factory.mktemp("page") / "report.html"))


def make(folder: Path, source: object, *stages: object) -> Dataset:
    mm.run({"only": (mm.Pipeline(*stages), source)}, str(folder / "dataset"))  # pyright: ignore
    return Dataset(folder / "dataset")


def a_row(height: int, width: int, **facts: object) -> Row:
    image = np.full((height, width, 3), (200, 40, 90), np.uint8)
    alpha = np.zeros((height, width), np.float32)
    alpha[:, : width // 2] = 1
    return Row(image, alpha, **facts)  # pyright: ignore


class TestPage:
    def test_it_asks_for_nothing_from_outside(self, page: Page):
        links = [
            value or ""
            for _, attributes in page.elements
            for name, value in attributes.items()
            if name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href")
        ]
        assert links
        assert all(link.startswith(("data:image/webp;base64,", "#")) for link in links)
        css = "".join(page.texts)
        assert "url(" not in css
        assert "@import" not in css
        assert not page.all("script")
        assert not page.all("link")

    def test_a_policy_forbids_what_escaping_might_miss(self, page: Page):
        policies = [tag for tag in page.all("meta") if "http-equiv" in tag]
        assert policies[0]["content"] == (
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        )

    def test_hostile_facts_are_shown_as_text(self, tmp_path: Path):
        hostile = make(tmp_path, Hostile())
        path = write_report(hostile, tmp_path / "r.html", title="<script>0</script>")
        page = Page(path)
        assert not page.all("script")
        assert not [tag for tag, attributes in page.elements if "onerror" in attributes]
        shown = HOSTILE.replace("\u202e", "\ufffd").replace("\x07", "\ufffd")
        assert f"{shown}0" in page.texts
        assert f"image: {shown}0" in [image["alt"] for image in page.all("img")]
        assert any("<img src=x>" in text for text in page.texts)
        assert "\u202e" not in path.read_text("utf-8")

    def test_notes_are_shown_as_text(self, dataset: Dataset, tmp_path: Path):
        page = Page(write_report(dataset, tmp_path / "r.html", notes=["more in <b>sheets/</b>"]))
        assert "more in <b>sheets/</b>" in page.texts

    def test_the_funnel_says_what_the_ledger_says(self, dataset: Dataset, page: Page):
        for entry in (
            dataset.ledger().group_by(["source", "stage", "reason"]).aggregate([]).to_pylist()
        ):
            rows = dataset.ledger().to_pylist()
            count = sum(
                all(row[name] == entry[name] for name in ("source", "stage", "reason"))
                for row in rows
            )
            assert [entry["reason"], str(count)] in [row[:2] for row in page.rows]
        counts = dataset.info["counts"]["discs"]
        assert page.row("read")[3] == str(counts["read"]) == "30"
        assert page.row("kept")[3] == str(counts["kept"])

    def test_the_stages_stand_in_the_order_in_which_they_ran(self, page: Page):
        first = [row[0] for row in page.rows if row]
        stages = [first.index(name) for name in ("source", "fails_on", "smallest", "sharp", "kept")]
        assert stages == sorted(stages)

    def test_each_reason_names_examples_with_their_numbers(self, dataset: Dataset, page: Page):
        lost = next(row for row in dataset.ledger().to_pylist() if row["reason"] == "too_small")
        assert lost["origin"] in page.texts
        coverage = dict(lost["values"])["coverage"]
        assert f"coverage {coverage:.3g}" in page.texts

    def test_failures_show_their_traceback(self, page: Page):
        shown = next(text for text in page.texts if text.startswith("Traceback"))
        assert "ZeroDivisionError: this stage cannot take discs" in shown
        assert "fails_on" in "".join(page.texts)

    def test_splits_and_statuses_are_counted(self, dataset: Dataset, page: Page):
        splits = dataset.split().table["split"].to_pylist()
        assert page.row("train")[1] == str(splits.count("train"))
        assert page.row("val")[1] == str(splits.count("val"))
        assert page.row("duplicate")[1] == "1"
        assert page.row("not reviewed")[1] == str(len(dataset))

    def test_every_score_has_its_histogram(self, page: Page):
        labels = [svg.get("aria-label") or "" for svg in page.all("svg")]
        for name in ("coverage", "sharpness", "softness", "long side", "aspect ratio"):
            assert any(label.startswith(f"Histogram of {name}:") for label in labels), name

    def test_every_picture_says_what_it_is(self, page: Page):
        images = page.all("img")
        assert len(images) == 2 * 18 * 3
        kinds = {(image["alt"] or "").partition(":")[0] for image in images}
        assert kinds == {"image", "alpha", "on plain colour"}

    def test_the_pictures_are_those_of_the_samples(self, dataset: Dataset, page: Page):
        sample = next(iter(dataset.split()))
        image = next(tag for tag in page.all("img") if tag["alt"] == f"image: {sample.origin}")
        data = base64.b64decode((image["src"] or "").partition(",")[2])
        decoded = decode_image(data)
        assert decoded.shape == sample.image.shape
        whole = np.abs(decoded.astype(int).mean((0, 1)) - sample.image.mean((0, 1)))
        assert whole.max() < 12  # WebP at quality 80 on noise

    def test_the_same_dataset_gives_the_same_bytes(self, dataset: Dataset, tmp_path: Path):
        first = write_report(dataset, tmp_path / "a.html", seed=3)
        second = write_report(Dataset(dataset.storage.url), tmp_path / "b.html", seed=3)
        assert first.read_bytes() == second.read_bytes()

    def test_another_seed_draws_other_samples(self, dataset: Dataset, tmp_path: Path):
        pages = [
            write_report(dataset, tmp_path / f"{seed}.html", seed=seed, gallery=5).read_text()
            for seed in (0, 1)
        ]
        draws = [
            re.findall(r"<code>(\w{8})</code>", text.split('id="random"')[1]) for text in pages
        ]
        assert draws[0] != draws[1]

    def test_a_hundred_pictures_of_noise_stay_below_two_megabytes(self, tmp_path: Path):
        noise = make(tmp_path, Noise())
        path = write_report(noise, tmp_path / "r.html", gallery=17)
        assert len(Page(path).all("img")) == 102
        assert path.stat().st_size <= 2_000_000

    def test_it_replaces_an_older_page_and_leaves_nothing_else(
        self, dataset: Dataset, tmp_path: Path
    ):
        path = tmp_path / "new" / "r.html"
        write_report(dataset, path, title="older", gallery=0)
        write_report(dataset, path, title="newer", gallery=0)
        assert "<h1>newer</h1>" in path.read_text()
        assert [file.name for file in path.parent.iterdir()] == ["r.html"]

    def test_progress_reaches_the_end_of_every_part(self, dataset: Dataset, tmp_path: Path):
        calls: list[tuple[str, int, int]] = []
        write_report(
            dataset, tmp_path / "r.html", gallery=2, progress=lambda *call: calls.append(call)
        )
        for label in ("alphas", "gallery"):
            part = [call[1:] for call in calls if call[0] == label]
            assert [done for done, _ in part] == list(range(1, part[0][1] + 1))


class TestDatasetsOfAllKinds:
    def test_one_without_any_sample_says_why(self, tmp_path: Path):
        page = Page(write_report(make(tmp_path, Discs(4), Never()), tmp_path / "r.html"))
        text = "".join(page.texts)
        assert "Nothing: no sample is in the index. The funnel above says why." in text
        assert page.row("never")[1] == "4"
        assert not page.all("img")

    def test_one_whose_samples_were_all_set_aside_still_has_a_page(self, tmp_path: Path):
        mm.run({"only": (mm.Pipeline(), Discs(1))}, str(tmp_path / "dataset"), finish=[Marked()])
        page = Page(write_report(Dataset(tmp_path / "dataset"), tmp_path / "r.html"))
        assert page.row("duplicate")[1] == "1"
        assert not page.all("img")

    def test_one_without_scores_is_ordered_by_coverage(self, tmp_path: Path):
        bare = make(tmp_path, Discs(6), Identity())
        page = Page(write_report(bare, tmp_path / "r.html"))
        text = " ".join(page.texts)
        assert "The stages of this recipe recorded no scores." in text
        assert "By coverage, lowest first: there are no scores to go by." in text
        smallest = min(bare.split(), key=lambda sample: float(sample.alpha.mean()))
        assert page.all("img")[0]["alt"] == f"image: {smallest.origin}"

    def test_one_that_does_not_add_up_is_called_out(self, dataset: Dataset, tmp_path: Path):
        damaged = Dataset(dataset.storage.url)
        damaged.info["counts"]["discs"]["read"] += 2
        text = write_report(damaged, tmp_path / "r.html", gallery=0).read_text()
        assert "2 of the 32 items read are neither in the index nor in the ledger" in text

    def test_an_unreadable_alpha_is_an_error_that_names_the_sample(
        self, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("maskmill.shards.View.read", lambda self, at: (b"", b""))
        with pytest.raises(ValueError, match="alpha must be an encoded picture") as caught:
            write_report(dataset, tmp_path / "r.html")
        assert "maskmill verify" in caught.value.__notes__[0]


class TestWorst:
    def test_worst_by_takes_the_lowest(self, dataset: Dataset, tmp_path: Path):
        page = Page(write_report(dataset, tmp_path / "r.html", worst_by="sharpness"))
        lowest = min(dataset.split(), key=lambda sample: sample.scores["sharpness"])
        assert page.all("img")[0]["alt"] == f"image: {lowest.origin}"
        assert "By sharpness, lowest first." in " ".join(page.texts)

    def test_a_minus_takes_the_highest(self, dataset: Dataset, tmp_path: Path):
        page = Page(write_report(dataset, tmp_path / "r.html", worst_by="-sharpness"))
        highest = max(dataset.split(), key=lambda sample: sample.scores["sharpness"])
        assert page.all("img")[0]["alt"] == f"image: {highest.origin}"

    def test_an_unknown_score_is_an_error_that_lists_the_known(
        self, dataset: Dataset, tmp_path: Path
    ):
        with pytest.raises(ValueError, match=r"coverage, sharpness, softness .*got 'sharp'"):
            write_report(dataset, tmp_path / "r.html", worst_by="sharp")
        assert not (tmp_path / "r.html").exists()

    def test_a_score_of_which_the_bad_end_is_known_comes_first(self):
        some = np.array([1.0, 2.0, 3.0])
        assert choose_order({"age": some, "roughness": some}) == Order("roughness", highest=True)

    def test_scores_that_say_nothing_are_passed_over(self):
        scores = {
            "a_constant": np.ones(4),
            "b_rare": np.array([1.0, np.nan, np.nan, np.nan]),
            "c_telling": np.array([1.0, 2.0, 3.0, np.nan]),
        }
        assert choose_order(scores) == Order("c_telling", highest=False)
        assert choose_order({"a_constant": np.ones(4)}) is None

    def test_samples_without_the_score_are_not_the_worst(self):
        assert worst(np.array([np.nan, 2.0, 1.0]), ["a", "b", "c"], 5) == [2, 1]

    def test_the_draw_of_a_key_does_not_depend_on_the_others(self):
        keys = [f"key-{number}" for number in range(50)]
        chosen = [keys[at] for at in drawn(keys, 10, seed=1)]
        fewer = [key for key in keys if key in chosen or key.endswith("7")]
        assert [fewer[at] for at in drawn(fewer, 10, seed=1)] == chosen


class TestPredictions:
    def test_they_stand_beside_the_truth_the_worst_first(self, dataset: Dataset, tmp_path: Path):
        view = dataset.split()
        predictions = {sample.key: sample.alpha for sample in view}
        predictions[view.keys[4]] = np.zeros_like(view[4].alpha)
        path = write_report(dataset, tmp_path / "r.html", predictions=predictions, gallery=3)
        page = Page(path)
        images = page.all("img")
        assert len(images) == 2 * 3 * 5
        assert images[0]["alt"] == f"image: {view[4].origin}"
        assert images[3]["alt"] == f"prediction: {view[4].origin}"
        text = " ".join(page.texts)
        assert "By iou, lowest first." in text
        assert f"{len(view)} predictions against the truth." in text

    def test_those_of_no_sample_are_counted(self, dataset: Dataset, tmp_path: Path):
        stray = {"no such key": np.zeros((2, 2), np.float32)}
        text = write_report(dataset, tmp_path / "r.html", predictions=stray, gallery=0).read_text()
        assert "0 predictions against the truth. 1 more belong to no usable sample" in text

    def test_one_of_another_size_is_an_error(self, dataset: Dataset, tmp_path: Path):
        wrong = {dataset.split().keys[0]: np.zeros((2, 2), np.float32)}
        with pytest.raises(ValueError, match=r"image's shape \(32, 32\), got \(2, 2\)"):
            write_report(dataset, tmp_path / "r.html", predictions=wrong)


class TestTraining:
    def test_losses_are_drawn(self, dataset: Dataset, tmp_path: Path):
        path = write_report(dataset, tmp_path / "r.html", losses=[3.0, 2.0, 1.5], gallery=0)
        assert "Loss over 3 steps: first 3, last 1.5, lowest 1.5." in path.read_text()
        labels = [svg.get("aria-label") for svg in Page(path).all("svg")]
        assert "Training loss over 3 steps, from 3 to 1.5" in labels

    def test_losses_that_are_not_finite_are_counted(self, dataset: Dataset, tmp_path: Path):
        losses = [1.0, float("nan"), float("inf"), 0.5]
        text = write_report(dataset, tmp_path / "r.html", losses=losses, gallery=0).read_text()
        assert "Not finite: 2 of 4 losses." in text


class TestPrevious:
    def test_the_page_says_what_has_changed(self, dataset: Dataset, tmp_path: Path):
        pipeline = mm.Pipeline(Smallest(0.2)) | Sharp()
        mm.run({"discs": (pipeline, Discs(20))}, str(tmp_path / "before"))
        before = Dataset(tmp_path / "before")
        page = Page(write_report(dataset, tmp_path / "r.html", previous=before, gallery=0))
        now_keys, then_keys = set(dataset.table()["key"].to_pylist()), before.table()["key"]
        assert page.row("new")[1] == str(len(now_keys - set(then_keys.to_pylist())))
        assert page.row("gone")[1] == str(len(set(then_keys.to_pylist()) - now_keys))
        assert page.row("another split")[1] == str(
            len(now_keys & set(then_keys.to_pylist()))  # there was no split before
        )
        assert page.row("discs")[1:3] == ["20", "30"]
        assert before.info["recipe_hash"] in page.texts

    def test_the_same_run_has_no_changes(self, dataset: Dataset, tmp_path: Path):
        page = Page(write_report(dataset, tmp_path / "r.html", previous=dataset, gallery=0))
        assert page.row("new")[1] == page.row("another alpha")[1] == "0"
        assert "The same recipe" in "".join(page.texts)


class TestFunnel:
    def test_a_ledger_without_counts_is_counted_from_what_there_is(self):
        entry = {"source": "a", "origin": "1", "stage": "clean", "kind": "dropped",
                 "reason": "empty", "values": [], "detail": None}  # fmt: skip
        (funnel,) = funnels({}, [entry, entry], {"a": 3})
        assert (funnel.read, funnel.kept, funnel.dropped, funnel.unexplained) == (5, 3, 2, 0)

    def test_failures_are_not_drops(self):
        entry = {"source": "a", "origin": "1", "stage": "clean", "kind": "failed",
                 "reason": "ValueError", "values": [], "detail": "Traceback"}  # fmt: skip
        (funnel,) = funnels({"a": {"read": 1}}, [entry], {})
        assert (funnel.dropped, funnel.failed) == (0, 1)
        assert funnel.failures[0][1].examples[0].detail == "Traceback"


class TestCharts:
    def test_every_value_is_in_some_bar(self):
        values = np.random.default_rng(0).normal(size=500)
        counts = re.findall(r": ([\d,]+) all</title>", histogram({"all": values}, "normal"))
        assert sum(int(count) for count in counts) == 500

    def test_stray_values_do_not_squeeze_the_rest(self):
        values = np.append(np.linspace(0.01, 0.99, 99), 1e6)
        axis = axis_of(values)
        assert axis.edges[-1] <= 3
        assert axis.ticks[-1][1].startswith("≥ ")

    def test_labels_are_escaped(self):
        svg = histogram({"<script>": np.array([1.0, 2.0])}, '"><script>')
        assert "<script>" not in svg
        assert "<script>" in unescape(svg)

    @pytest.mark.parametrize(
        "values", [[], [np.nan], [0.0], [0.1, 0.1 + 1e-16], [1e300], [-5, 7e9]]
    )
    def test_any_values_can_be_drawn(self, values: list[float]):
        drawn_values = histogram({"a": np.array(values, np.float64)}, "a") + curve(values, "a")
        assert "nan" not in drawn_values

    def test_a_curve_has_gaps_where_values_are_missing(self):
        assert curve([1.0, 2.0, np.nan, 2.0, 1.0], "loss").count("<polyline") == 2

    def test_a_picture_keeps_to_its_budget(self):
        noise = np.random.default_rng(0).integers(0, 256, (288, 200, 3), np.uint8)
        small = picture(noise, "noise", 2000)
        assert len(base64.b64decode(small.source.partition(",")[2])) <= 2000
        assert (small.width, small.height) == (200, 288)


class TestContactSheet:
    def test_tiles_hold_image_alpha_and_composite(self):
        sheet = contact_sheet([a_row(64, 64)], tile=64, background=(0, 200, 0))
        top = sheet.shape[0] - 64 - 8  # no caption: the tiles stand above the lower margin
        image, alpha, laid = (sheet[top : top + 64, x : x + 64] for x in (8, 75, 142))
        assert image[32, 10].tolist() == image[32, 50].tolist() == [200, 40, 90]
        assert alpha[32, 10].tolist() == [255] * 3
        assert alpha[32, 50].tolist() == [0] * 3
        assert laid[32, 10].tolist() == [200, 40, 90]
        assert laid[32, 50].tolist() == [0, 200, 0]

    def test_composites_are_made_in_linear_light(self):
        image, half = np.full((64, 64, 3), 255, np.uint8), np.full((64, 64), 0.5, np.float32)
        sheet = contact_sheet([Row(image, half)], tile=64, columns=["composite"])
        wanted = composite(image, half, np.array(BACKDROP, np.uint8))[0, 0]
        assert sheet[-40, 40].tolist() == wanted.tolist()

    def test_wide_pictures_are_letterboxed(self):
        sheet = contact_sheet([a_row(100, 400)], tile=64, columns=["image"])
        tile = sheet[-72:-8, 8:72]
        assert tuple(tile[4, 32]) == tuple(tile[59, 32]) == WELL
        assert tile[32, 2].tolist() == [200, 40, 90]

    def test_large_pictures_are_averaged_not_sampled(self):
        stripes = np.zeros((256, 256, 3), np.uint8)
        stripes[:, ::2] = 200
        row = Row(stripes, np.ones((256, 256), np.float32))
        sheet = contact_sheet([row], tile=64, columns=["image"])
        assert abs(int(sheet[-40, 40, 0]) - 100) <= 1

    def test_predictions_bring_their_columns(self):
        plain, predicted = a_row(64, 64), a_row(64, 64, prediction=np.ones((64, 64), np.float32))
        three, five = contact_sheet([plain], tile=64), contact_sheet([plain, predicted], tile=64)
        assert five.shape[1] - three.shape[1] == 2 * (64 + 3)
        assert tuple(five[-40, 8 + 3 * 67 + 32]) == (255, 255, 255)

    def test_captions_are_written_and_make_room(self):
        bare, told = (
            contact_sheet([a_row(64, 64, caption=caption)], tile=64)
            for caption in ("", "a.jpg\nkey")
        )
        room = told.shape[0] - bare.shape[0]
        assert room > 20
        assert (told[-room:] != PAPER).any()

    def test_samples_stand_side_by_side(self):
        one, two = (contact_sheet([a_row(64, 64)] * 4, tile=64, across=n) for n in (1, 2))
        assert two.shape[1] > 1.9 * one.shape[1]
        assert two.shape[0] < 0.65 * one.shape[0]

    def test_a_caption_of_any_letters_and_length_fits(self):
        sheet = contact_sheet([a_row(64, 64, caption="文字\u202e\x00" * 200)], tile=64)
        assert (sheet[:, -8:] == PAPER).all()

    def test_a_sample_makes_a_row(self):
        row = Row.of(disc(1))
        assert row.caption.splitlines() == ["disc-0001", disc(1).key[:8]]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"columns": ["mask"]}, r"columns must be of image, alpha, .* got \['mask'\]"),
            ({"columns": []}, "got none"),
            ({"tile": 8}, "tile >= 32"),
            ({"across": 0}, "across must be >= 1"),
            ({"background": (0, 0, 300)}, "three levels from 0 to 255"),
        ],
    )
    def test_wrong_options_are_errors(self, options: dict[str, object], message: str):
        with pytest.raises(ValueError, match=message):
            contact_sheet([a_row(64, 64)], **options)  # pyright: ignore

    def test_no_rows_are_an_error(self):
        with pytest.raises(ValueError, match="rows must be at least one Row, got none"):
            contact_sheet([])

    def test_a_prediction_must_fit(self):
        with pytest.raises(ValueError, match=r"image's shape \(64, 64\), got \(2, 2\)"):
            a_row(64, 64, prediction=np.ones((2, 2), np.float32))

    def test_it_is_written_whole_as_png(self, tmp_path: Path):
        rows = [a_row(64, 64, caption="a.jpg")]
        path = write_sheet(tmp_path / "sheets" / "a.png", rows, tile=64)
        assert path.read_bytes().startswith(b"\x89PNG")
        assert np.array_equal(decode_image(path.read_bytes()), contact_sheet(rows, tile=64))
        assert [file.name for file in path.parent.iterdir()] == ["a.png"]


@dataclass(frozen=True)
class Noise:
    """Pictures that no codec makes small."""

    def plan(self, stages: object) -> list[Partition]:
        return [Partition(tuple(range(20)), "noise", 20)]

    def read(self, partition: Partition) -> Iterator[mm.Sample]:
        for number in partition.items:
            random = np.random.default_rng(number)
            image = random.integers(0, 256, (300, 300, 3), np.uint8)
            alpha = random.random((300, 300), np.float32)
            yield mm.Sample.of(image, cv2.blur(alpha, (3, 3)), origin=f"noise-{number}")  # pyright: ignore
