"""Which pairs a step sees, how they are varied, and what reaches the network."""

import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from procedural import Discs, disc
from torch.utils.data import DataLoader

import maskmill as mm
from maskmill.shards import Dataset, View
from maskmill.train import Shards
from maskmill.train.augment import Variation, draw_variation, relight
from maskmill.train.loader import square
from maskmill.train.order import Batches, Draw, permutation
from maskmill.train.preprocess import normalise, resize


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("loader") / "dataset"
    mm.run({"discs": (mm.Pipeline(), Discs(10, split="train"))}, str(out))
    return out


def drawn(batches: Batches) -> list[list[tuple[int, int]]]:
    return [[(draw.epoch, draw.row) for draw in batch] for batch in batches]


class TestOrder:
    def test_every_epoch_has_every_pair_once(self) -> None:
        for epoch in range(3):
            assert sorted(permutation(100, 0, epoch)) == list(range(100))

    def test_it_depends_on_seed_and_epoch_and_on_nothing_else(self) -> None:
        assert np.array_equal(permutation(50, 1, 2), permutation(50, 1, 2))
        assert not np.array_equal(permutation(50, 1, 2), permutation(50, 1, 3))
        assert not np.array_equal(permutation(50, 1, 2), permutation(50, 2, 2))

    def test_seed_and_epoch_are_not_added(self) -> None:
        assert not np.array_equal(permutation(50, 1, 2), permutation(50, 2, 1))

    def test_it_is_the_same_with_every_version(self) -> None:
        assert permutation(8, 7, 3).tolist() == [5, 0, 7, 3, 2, 6, 1, 4]

    def test_batches_go_on_through_the_epochs_without_an_incomplete_one(self) -> None:
        batches = drawn(Batches(5, 2, count=5, seed=3))
        assert [epoch for batch in batches for epoch, _ in batch] == [0] * 4 + [1] * 4 + [2] * 2
        first = [index for batch in batches[:2] for _, index in batch]
        assert first == permutation(5, 3, 0)[:4].tolist()

    def test_reading_ahead_does_not_move_the_state(self) -> None:
        batches = Batches(6, 2, count=9)
        stream = iter(batches)
        for _ in range(4):
            next(stream)
        batches.advance()
        assert (batches.epoch, batches.position) == (0, 2)

    @pytest.mark.parametrize("consumed", [0, 1, 2, 3, 7])
    def test_it_goes_on_from_what_was_consumed(self, consumed: int) -> None:
        whole = Batches(7, 2, count=10, seed=5)
        expected = drawn(whole)[consumed:]
        for _ in range(consumed):
            whole.advance()
        rest = Batches(
            7, 2, count=10 - consumed, seed=5, epoch=whole.epoch, position=whole.position
        )
        assert drawn(rest) == expected

    @pytest.mark.parametrize("batch", [0, 11])
    def test_a_batch_larger_than_the_dataset_is_refused(self, batch: int) -> None:
        with pytest.raises(ValueError, match=f"between 1 and the 10 pairs there are, got {batch}"):
            Batches(10, batch, count=1)


class TestVariation:
    def test_it_depends_on_seed_epoch_and_key(self) -> None:
        same = draw_variation(1, 2, "key")
        assert same == draw_variation(1, 2, "key")
        others = {draw_variation(*draw) for draw in ((2, 1, "key"), (1, 3, "key"), (1, 2, "kez"))}
        assert len(others | {same}) == 4

    def test_crops_lie_inside_the_picture_and_keep_half_of_it(self) -> None:
        for number in range(300):
            variation = draw_variation(0, 0, str(number))
            rows, columns = variation.box(120, 80)
            assert 0 <= rows.start < rows.stop <= 120
            assert 0 <= columns.start < columns.stop <= 80
            assert variation.width * variation.height > 0.45

    def test_a_tiny_picture_keeps_a_pixel(self) -> None:
        for number in range(50):
            rows, columns = draw_variation(0, 0, str(number)).box(1, 1)
            assert (rows, columns) == (slice(0, 1), slice(0, 1))

    def test_about_half_are_mirrored(self) -> None:
        mirrored = [draw_variation(0, 0, str(number)).mirrored for number in range(400)]
        assert 160 < sum(mirrored) < 240

    def test_image_and_alpha_are_moved_alike(self) -> None:
        # The alpha is the image's red channel, so it must stay so under any geometry.
        alpha = cv2.GaussianBlur(disc(1, 96).quantised().alpha, (0, 0), 3)
        levels = np.rint(alpha * 255).astype(np.uint8)
        image = np.dstack([levels] * 3)
        for number in range(20):
            variation = replace(draw_variation(0, 0, str(number)), contrast=1.0, brightness=0.0)
            varied, moved = square(image, levels, 64, variation)
            assert np.array_equal(varied[..., 0], moved)

    def test_light_changes_the_image_alone(self) -> None:
        image, levels = np.full((8, 8, 3), 100, np.uint8), np.full((8, 8), 100, np.uint8)
        varied, same = square(image, levels, 8, Variation(brightness=0.1))
        assert np.array_equal(same, levels)
        assert np.array_equal(varied, np.full((8, 8, 3), 126, np.uint8))

    def test_light_is_clipped_and_not_wrapped(self) -> None:
        ends = np.array([[[0, 128, 255]]], np.uint8)
        assert relight(ends, 1.2, 0.1).max() == 255
        assert relight(ends, 1.2, -0.1).min() == 0


class TestPreprocessing:
    def test_each_image_is_divided_by_its_own_greatest_value(self) -> None:
        random = np.random.Generator(np.random.Philox(0))
        images = random.integers(0, 120, (3, 3, 8, 8), dtype=np.uint8)
        images[0, 0, 0, 0] = 120
        for got, image in zip(normalise(torch.from_numpy(images)), images, strict=True):
            scaled = image / max(image.max(), 1e-6)
            mean = np.array([0.485, 0.456, 0.406])[:, None, None]
            deviation = np.array([0.229, 0.224, 0.225])[:, None, None]
            assert np.allclose(got.numpy(), (scaled - mean) / deviation, atol=1e-5)

    def test_a_black_image_stays_finite(self) -> None:
        assert torch.isfinite(normalise(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))).all()

    def test_floats_are_refused(self) -> None:
        with pytest.raises(
            ValueError, match=r"N x 3 x H x W uint8, got \(1, 3, 4, 4\) torch.float"
        ):
            normalise(torch.zeros(1, 3, 4, 4))

    def test_shrinking_averages_every_pixel(self) -> None:
        stripes = np.tile(np.array([0, 200], np.uint8), (8, 4))
        assert resize(stripes, 2, 2).tolist() == [[100, 100], [100, 100]]

    def test_an_axis_that_shrinks_is_averaged_even_where_the_other_grows(self) -> None:
        stripes = np.tile(np.array([0, 200], np.uint8), (2, 8))
        assert np.array_equal(resize(stripes, 6, 4), np.full((6, 4), 100))

    @pytest.mark.parametrize(("height", "width"), [(20, 24), (80, 90), (20, 90)])
    def test_pixel_centres_stay_where_they_are(self, height: int, width: int) -> None:
        # A symmetric ramp stays symmetric under the half-pixel convention alone.
        ramp = np.tile(np.linspace(0, 1, 48, dtype=np.float32), (40, 1))
        out = resize(ramp, height, width, cv2.INTER_CUBIC)
        assert np.allclose(out + out[:, ::-1], 1, atol=1e-5)


class TestShards:
    def test_items_are_uint8_squares_with_their_index(self, dataset: Path) -> None:
        image, alpha, index = Shards(dataset, size=64)[3]
        assert (image.shape, image.dtype) == ((3, 64, 64), torch.uint8)
        assert (alpha.shape, alpha.dtype) == ((1, 64, 64), torch.uint8)
        assert index == 3

    def test_without_augmentation_an_item_is_the_resized_pair(self, dataset: Path) -> None:
        shards = Shards(dataset, size=64, augment=False)
        sample = Dataset(dataset).split("train")[2]
        image, alpha, _ = shards[2]
        expected = cv2.resize(sample.image, (64, 64), interpolation=cv2.INTER_LINEAR)
        assert np.array_equal(image.permute(1, 2, 0).numpy(), expected)
        levels = np.rint(sample.alpha * 255).astype(np.uint8)
        assert np.array_equal(alpha[0].numpy(), cv2.resize(levels, (64, 64)))

    def test_16_bit_alphas_come_as_8_bits(self, tmp_path: Path) -> None:
        mm.run({"discs": (mm.Pipeline(), Discs(2))}, str(tmp_path / "deep"), bits=16)
        mm.run({"discs": (mm.Pipeline(), Discs(2))}, str(tmp_path / "flat"), bits=8)
        deep = Shards(tmp_path / "deep", 64, augment=False, split=None)[1][1]
        flat = Shards(tmp_path / "flat", 64, augment=False, split=None)[1][1]
        assert (deep.int() - flat.int()).abs().max() <= 1
        assert deep.max() == 255

    def test_order_of_calls_does_not_matter(self, dataset: Path) -> None:
        forth = [Shards(dataset, 64)[4, index] for index in range(5)]
        shards = Shards(dataset, 64)
        back = [shards[4, index] for index in reversed(range(5))][::-1]
        for (image, alpha, _), (other, moved, _) in zip(forth, back, strict=True):
            assert torch.equal(image, other)
            assert torch.equal(alpha, moved)

    def test_epochs_show_different_variations_and_seeds_too(self, dataset: Path) -> None:
        shards = Shards(dataset, 64)
        first = shards[0][0]
        assert torch.equal(first, shards[0, 0][0])
        assert not torch.equal(first, shards[1, 0][0])
        shards.set_epoch(1)
        assert torch.equal(shards[0][0], shards[Draw(1, 0)][0])
        assert not torch.equal(first, Shards(dataset, 64, seed=1)[0][0])

    def test_workers_change_nothing(self, dataset: Path) -> None:
        def pictures(workers: int) -> list[torch.Tensor]:
            loader = DataLoader(
                Shards(dataset, 64),
                batch_sampler=Batches(10, 4, count=4),
                num_workers=workers,
                multiprocessing_context="spawn" if workers else None,
            )
            return [images for images, _, _ in loader]

        for one, other in zip(pictures(0), pictures(2), strict=True):
            assert torch.equal(one, other)

    def test_it_travels_to_workers_without_pixels(self, dataset: Path) -> None:
        shards = Shards(dataset, 64)
        luggage = pickle.dumps(shards)
        assert len(luggage) < sum(map(len, shards.view.read(0))) * 10
        assert torch.equal(pickle.loads(luggage)[0][0], shards[0][0])  # noqa: S301  (just made)

    def test_a_view_is_taken_as_it_is(self, dataset: Path) -> None:
        view = Dataset(dataset).split("train")[2:5]
        shards = Shards(view, 64, augment=False)
        assert len(shards) == 3
        assert torch.equal(shards[0][0], Shards(dataset, 64, augment=False)[2][0])

    @pytest.mark.parametrize("index", [-1, 10])
    def test_an_index_out_of_range_is_refused(self, dataset: Path, index: int) -> None:
        with pytest.raises(IndexError, match=r"index must lie in \[0, 10\)"):
            Shards(dataset, 64)[index]

    def test_an_unknown_split_is_refused_with_those_there_are(self, dataset: Path) -> None:
        with pytest.raises(ValueError, match="split must be one of train, got 'training'"):
            Shards(dataset, 64, split="training")

    def test_an_empty_view_is_refused(self, dataset: Path) -> None:
        opened = Dataset(dataset)
        with pytest.raises(ValueError, match="dataset must have pairs to train on"):
            Shards(View(opened.storage, opened.table().slice(0, 0)), 64)

    def test_a_size_too_small_for_the_network_is_refused(self, dataset: Path) -> None:
        with pytest.raises(ValueError, match="size must be 64 pixels or more, got 32"):
            Shards(dataset, 32)
