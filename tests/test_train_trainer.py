"""Training that resumes as if it had never stopped, and the alphas that come of it."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from procedural import Discs, disc
from torch import Tensor, nn

import maskmill as mm
from maskmill.metrics import iou
from maskmill.shards import Dataset
from maskmill.train import FitResult, build, fit, predict
from maskmill.train.checkpoint import load_checkpoint, save_checkpoint

Images = list[np.ndarray[Any, np.dtype[np.uint8]]]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = str(tmp_path_factory.mktemp("trainer") / "dataset")
    sources = {
        "train": (mm.Pipeline(), Discs(7, split="train")),
        "val": (mm.Pipeline(), Discs(3, split="val", first=100)),
    }
    mm.run(sources, out)
    return out


def train(dataset: Any, out: Path, steps: int, **options: Any) -> FitResult:
    """Fit as small as it gets, in this process, on one thread of the CPU."""
    small: dict[str, Any] = {
        "size": 64,
        "batch": 2,
        "validation": None,
        "threads": 1,
        "device": "cpu",
    }
    return fit(dataset, out=out, steps=steps, **(small | options))


@pytest.fixture(scope="module")
def straight(dataset: str, tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    return train(dataset, tmp_path_factory.mktemp("straight"), 20)


@pytest.fixture(scope="module")
def short(dataset: str, tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    return train(dataset, tmp_path_factory.mktemp("short"), 2)


def rows(result: FitResult) -> list[tuple[int, float]]:
    with result.checkpoint.with_name("losses.csv").open(newline="") as file:
        return [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]


class TestResuming:
    def test_ten_steps_and_ten_more_are_twenty_bit_for_bit(
        self, dataset: str, tmp_path: Path, straight: FitResult
    ) -> None:
        first = train(dataset, tmp_path, 10)
        both = train(dataset, tmp_path, 20)
        assert (first.resumed_from, both.resumed_from) == (None, 10)
        assert first.losses == straight.losses[:10]
        assert both.losses == straight.losses
        weights = load_checkpoint(both.checkpoint)["weights"]
        for key, value in load_checkpoint(straight.checkpoint)["weights"].items():
            assert torch.equal(weights[key], value), key

    def test_it_is_so_with_bfloat16_and_two_threads_too(self, dataset: str, tmp_path: Path) -> None:
        options = {"precision": "bf16", "threads": 2}
        whole = train(dataset, tmp_path / "whole", 6, **options)
        train(dataset, tmp_path / "parts", 3, **options)
        assert train(dataset, tmp_path / "parts", 6, **options).losses == whole.losses

    def test_workers_change_nothing(
        self, dataset: str, tmp_path: Path, straight: FitResult
    ) -> None:
        train(dataset, tmp_path, 3)
        assert train(dataset, tmp_path, 6, workers=1).losses == straight.losses[:6]

    def test_a_killed_run_goes_on_from_its_last_checkpoint(
        self, dataset: str, tmp_path: Path, straight: FitResult
    ) -> None:
        def kill(step: int, steps: int, loss: float) -> None:
            if step == 5:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(dataset, tmp_path, 20, checkpoint_every=3, progress=kill)
        resumed = train(dataset, tmp_path, 8)
        assert resumed.resumed_from == 3
        assert resumed.losses == straight.losses[:8]
        assert rows(resumed) == list(enumerate(straight.losses[:8], start=1))

    def test_losses_stand_in_a_file_exactly(self, straight: FitResult) -> None:
        assert rows(straight) == list(enumerate(straight.losses, start=1))

    def test_nothing_is_left_to_do_at_the_same_number_of_steps(
        self, dataset: str, straight: FitResult
    ) -> None:
        again = train(dataset, straight.checkpoint.parent, 20)
        assert (again.resumed_from, again.losses) == (20, straight.losses)

    def test_starting_over_replaces_the_checkpoint(
        self, dataset: str, tmp_path: Path, straight: FitResult
    ) -> None:
        train(dataset, tmp_path, 3, seed=1)
        result = train(dataset, tmp_path, 2, resume=False)
        assert result.resumed_from is None
        assert result.losses == straight.losses[:2]
        assert load_checkpoint(result.checkpoint)["step"] == 2

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"model": "u2net"}, "model must stay 'u2netp', got 'u2net'"),
            ({"size": 96}, "size must stay 64, got 96"),
            ({"batch": 3}, "batch must stay 2, got 3"),
            ({"seed": 1}, "seed must stay 0, got 1"),
            ({"lr": 0.01}, "lr must stay 0.001, got 0.01"),
            ({"augment": False}, "augment must stay True, got False"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_a_changed_setting_is_refused(
        self, dataset: str, short: FitResult, changed: dict[str, Any], message: str
    ) -> None:
        before = short.checkpoint.read_bytes()
        with pytest.raises(ValueError, match=f"cannot resume: {message}; .*resume=False"):
            train(dataset, short.checkpoint.parent, 4, **changed)
        assert short.checkpoint.read_bytes() == before

    def test_a_changed_dataset_is_refused(self, dataset: str, short: FitResult) -> None:
        smaller = Dataset(dataset).split("train")[:6]
        with pytest.raises(
            ValueError, match=r"dataset must stay [0-9a-f]{16} \(fingerprint\), got"
        ):
            train(smaller, short.checkpoint.parent, 4)

    def test_fewer_steps_than_were_made_are_refused(self, dataset: str, short: FitResult) -> None:
        with pytest.raises(ValueError, match="steps must be at least the 2 of the checkpoint"):
            train(dataset, short.checkpoint.parent, 1)


class TestFit:
    def test_it_learns(self, dataset: str, tmp_path: Path) -> None:
        losses = train(dataset, tmp_path, 30, augment=False).losses
        assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])

    def test_seeds_decide_the_run(self, dataset: str, tmp_path: Path, straight: FitResult) -> None:
        assert train(dataset, tmp_path, 1, seed=1).losses != straight.losses[:1]

    def test_it_leaves_the_process_as_it_was(self, dataset: str, tmp_path: Path) -> None:
        def state() -> tuple[Any, ...]:
            random: Any = np.random.get_state(legacy=False)  # noqa: NPY002  (that of the process)
            return (
                torch.get_rng_state().tolist(),
                random["state"]["pos"],
                random["state"]["key"].tolist(),
                torch.get_num_threads(),
                cv2.getNumThreads(),
                torch.is_grad_enabled(),
                torch.backends.cudnn.benchmark,
            )

        before = state()
        train(dataset, tmp_path, 1, threads=torch.get_num_threads() + 1)
        assert state() == before

    def test_threads_are_put_back_after_an_error_too(self, dataset: str, tmp_path: Path) -> None:
        def fail(step: int, steps: int, loss: float) -> None:
            raise KeyboardInterrupt

        before = torch.get_num_threads()
        with pytest.raises(KeyboardInterrupt):
            train(dataset, tmp_path, 1, progress=fail, threads=before + 1)
        assert torch.get_num_threads() == before

    def test_bfloat16_keeps_weights_and_statistics_in_float32(
        self, dataset: str, tmp_path: Path
    ) -> None:
        result = train(dataset, tmp_path, 1, precision="bf16")
        weights = load_checkpoint(result.checkpoint)["weights"]
        assert {value.dtype for value in weights.values()} == {torch.float32, torch.int64}

    def test_it_reports_steps_and_losses(self, dataset: str, tmp_path: Path) -> None:
        lines: list[str] = []
        steps: list[tuple[int, int, float]] = []
        result = train(
            dataset, tmp_path, 3, log=lines.append, progress=lambda *step: steps.append(step)
        )
        assert steps == [(step, 3, loss) for step, loss in enumerate(result.losses, start=1)]
        assert lines == [f"step 3 of 3: loss {result.losses[-1]:.4f}"]

    def test_validation_is_the_mean_iou_of_its_predictions(
        self, dataset: str, tmp_path: Path
    ) -> None:
        result = train(dataset, tmp_path, 2, validation="val")
        view = Dataset(dataset).split("val")
        alphas = predict(result.checkpoint, (sample.image for sample in view), device="cpu")
        scores = [iou(alpha, sample.alpha) for alpha, sample in zip(alphas, view, strict=True)]
        assert result.iou == pytest.approx(np.mean(scores))

    def test_a_view_trains_and_another_validates(self, dataset: str, tmp_path: Path) -> None:
        opened = Dataset(dataset)
        result = train(opened.split("train")[:2], tmp_path, 1, validation=opened.split("val")[:1])
        assert result.iou is not None

    def test_a_validation_split_that_is_not_there_is_refused_before_any_work(
        self, dataset: str, tmp_path: Path
    ) -> None:
        with pytest.raises(ValueError, match="split must be one of train, val, got 'test'"):
            train(dataset, tmp_path / "run", 1, validation="test")
        assert not (tmp_path / "run").exists()

    def test_a_split_cannot_be_named_beside_a_view(self, dataset: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"validation must be a View or None .* got 'val'"):
            train(Dataset(dataset).split("train"), tmp_path, 1, validation="val")

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"model": "u2metp"}, "did you mean 'u2netp'"),
            ({"batch": 0}, "batch must lie between 1 and the 7 pairs there are, got 0"),
            ({"batch": 8}, "batch must lie between 1 and the 7 pairs there are, got 8"),
            ({"size": 63}, "size must be 64 pixels or more, got 63"),
            ({"lr": 0.0}, "lr must be a positive number, got 0.0"),
            ({"lr": float("nan")}, "lr must be a positive number, got nan"),
            ({"workers": -1}, "workers must be 0 or more, got -1"),
            ({"threads": 0}, "threads must be 1 or more, got 0"),
            ({"checkpoint_every": 0}, "checkpoint_every must be 1 or more, got 0"),
            ({"precision": "fp16"}, "precision must be 'float32', 'bf16' or None, got 'fp16'"),
        ],
        ids=lambda value: next(iter(value.items())) if isinstance(value, dict) else "",
    )
    def test_wrong_arguments_are_refused_before_any_work(
        self, dataset: str, tmp_path: Path, wrong: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            train(dataset, tmp_path / "run", 1, **wrong)
        assert not (tmp_path / "run").exists()

    def test_a_loss_that_is_not_finite_stops_the_run_and_is_not_saved(
        self, dataset: str, tmp_path: Path
    ) -> None:
        with pytest.raises(FloatingPointError, match=r"loss must be finite, got \w+ at step \d"):
            train(dataset, tmp_path, 5, lr=1e30)
        assert not (tmp_path / "checkpoint.pt").exists()

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    def test_a_gpu_trains_resumes_and_predicts(self, dataset: str, tmp_path: Path) -> None:
        train(dataset, tmp_path, 25, device=None)
        result = train(dataset, tmp_path, 45, device=None, validation="val")
        assert len(result.losses) == 45
        assert np.isfinite(result.losses).all()
        assert result.iou is not None


class TestCheckpoints:
    def test_a_file_that_would_run_code_is_refused_and_does_not_run_it(
        self, tmp_path: Path
    ) -> None:
        class Trap:
            def __reduce__(self) -> tuple[Any, ...]:
                return (Path.touch, (tmp_path / "sprung",))

        torch.save({"format": 1, "weights": Trap()}, tmp_path / "checkpoint.pt")
        with pytest.raises(
            ValueError, match=r"must be a whole file written by maskmill\.train\.fit"
        ):
            load_checkpoint(tmp_path / "checkpoint.pt")
        assert not (tmp_path / "sprung").exists()

    def test_a_truncated_file_is_refused(self, tmp_path: Path, short: FitResult) -> None:
        whole = short.checkpoint.read_bytes()
        (tmp_path / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match="must be a whole file"):
            predict(tmp_path / "checkpoint.pt", [])

    @pytest.mark.parametrize("state", [{"format": 2}, {"outconv.bias": torch.zeros(1)}])
    def test_another_format_is_refused(self, tmp_path: Path, state: dict[str, Any]) -> None:
        torch.save(state, tmp_path / "checkpoint.pt")
        with pytest.raises(ValueError, match="must be of maskmill's format 1, got"):
            load_checkpoint(tmp_path / "checkpoint.pt")

    def test_one_that_cannot_be_written_leaves_the_former(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "checkpoint.pt"
        save_checkpoint(path, {"step": 1})

        def full(state: object, file: Any) -> None:
            file.write(b"half of it")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(torch, "save", full)
        with pytest.raises(OSError, match="No space left"):
            save_checkpoint(path, {"step": 2})
        assert load_checkpoint(path)["step"] == 1
        assert list(tmp_path.iterdir()) == [path]


class Ramp(nn.Module):
    """A network whose alpha rises from left to right whatever it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> tuple[Tensor]:
        ramp = torch.linspace(0.01, 0.99, x.shape[3]).expand(x.shape[0], 1, *x.shape[2:])
        return (torch.logit(ramp) * self.scale,)


class TestPredict:
    def test_alphas_have_the_pictures_own_sizes(self, short: FitResult) -> None:
        images: Images = [disc(1, 96).image[:50], disc(2, 131).image[:, :40], disc(3, 20).image]
        alphas = list(predict(short.checkpoint, images, batch=2, device="cpu"))
        assert [alpha.shape for alpha in alphas] == [(50, 96), (131, 40), (20, 20)]
        for alpha in alphas:
            assert alpha.dtype == np.float32
            assert alpha.min() >= 0
            assert alpha.max() <= 1

    def test_a_checkpoint_knows_its_network_and_size(self, short: FitResult) -> None:
        network = build("u2netp")
        network.load_state_dict(load_checkpoint(short.checkpoint)["weights"])
        image = disc(5, 90).image
        (ours,) = predict(short.checkpoint, [image], device="cpu")
        (theirs,) = predict(network, [image], size=64)
        assert np.array_equal(ours, theirs)

    def test_batches_change_next_to_nothing(self, short: FitResult) -> None:
        images: Images = [disc(number, 70).image for number in range(5)]
        one = np.stack(list(predict(short.checkpoint, images, device="cpu")))
        three = np.stack(list(predict(short.checkpoint, images, batch=3, device="cpu")))
        assert np.abs(one - three).max() < 1e-4

    def test_a_network_keeps_its_mode_and_its_statistics(self) -> None:
        network = build("u2netp")
        network.get_submodule("stage1").eval()
        before = {key: value.clone() for key, value in network.state_dict().items()}
        modes = [module.training for module in network.modules()]
        next(predict(network, [disc(1).image], size=64))
        assert [module.training for module in network.modules()] == modes
        assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())

    def test_the_map_is_enlarged_softly_and_in_place(self) -> None:
        # A symmetric ramp stays symmetric under the half-pixel convention alone.
        (alpha,) = predict(Ramp(), [np.zeros((100, 300, 3), np.uint8)], size=64)
        assert np.allclose(alpha + alpha[:, ::-1], 1, atol=1e-5)
        assert len(np.unique(alpha[0])) > 250

    def test_a_cubic_overshoot_is_clipped(self) -> None:
        class Edge(Ramp):
            def forward(self, x: Tensor) -> tuple[Tensor]:
                return (torch.where(super().forward(x)[0] > 0, 90.0, -90.0),)

        (alpha,) = predict(Edge(), [np.zeros((300, 300, 3), np.uint8)], size=64)
        assert (alpha.min(), alpha.max()) == (0, 1)

    def test_a_black_picture_has_an_alpha(self) -> None:
        (alpha,) = predict(build("u2netp"), [np.zeros((70, 70, 3), np.uint8)], size=64)
        assert np.isfinite(alpha).all()

    def test_pictures_are_read_as_they_are_needed(self) -> None:
        read: list[int] = []

        def pictures() -> Iterator[Any]:
            for number in range(6):
                read.append(number)
                yield np.zeros((8, 8, 3), np.uint8)

        next(predict(Ramp(), pictures(), size=64, batch=2))
        assert read == [0, 1]

    @pytest.mark.parametrize(
        "image",
        [
            np.zeros((8, 8), np.uint8),
            np.zeros((8, 8, 4), np.uint8),
            np.zeros((8, 8, 3), np.float32),
        ],
        ids=["grey", "RGBA", "float"],
    )
    def test_other_arrays_are_refused(self, image: Any) -> None:
        with pytest.raises(ValueError, match=r"image must be H x W x 3 uint8, got \(8, 8"):
            next(predict(Ramp(), [image]))

    def test_wrong_arguments_are_refused_at_the_call(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="batch must be 1 or more, got 0"):
            predict(Ramp(), [], batch=0)
        with pytest.raises(FileNotFoundError):
            predict(tmp_path / "checkpoint.pt", [])


def test_weights_of_another_network_are_said_so(short: FitResult, tmp_path: Path):
    state = load_checkpoint(short.checkpoint)
    state["settings"]["model"] = "u2net"
    save_checkpoint(tmp_path / "mixed.pt", state)
    with pytest.raises(ValueError, match=r"must hold the weights of u2net, .*mixed\.pt"):
        next(predict(tmp_path / "mixed.pt", [disc(1).image]))


@pytest.mark.parametrize(
    ("device", "message"),
    [("gpu", "device must be cpu, cuda or cuda:1, got 'gpu'"), ("cuda:99", "PyTorch finds")],
)
def test_a_device_that_is_not_there_is_said_so(
    dataset: str, tmp_path: Path, device: str, message: str
):
    with pytest.raises(ValueError, match=message):
        train(dataset, tmp_path / "run", 1, device=device)
    assert not (tmp_path / "run").exists()


def test_starting_over_forgets_the_old_checkpoint_at_once(dataset: str, tmp_path: Path):
    train(dataset, tmp_path, 2)

    def stop(step: int, steps: int, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(dataset, tmp_path, 4, resume=False, progress=stop)
    assert not (tmp_path / "checkpoint.pt").exists()


@pytest.mark.parametrize("content", [b"step,loss\n1,2.5\n", b"hello", b""])
def test_a_file_that_is_no_checkpoint_is_said_so(tmp_path: Path, content: bytes):
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ValueError, match="checkpoint must be a whole file written by"):
        load_checkpoint(tmp_path / "other")
