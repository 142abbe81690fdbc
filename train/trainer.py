"""The training loop: deterministic, and resumable as if it had never stopped."""

import contextlib
import logging
import os
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import nn
from torch.optim import AdamW
from torch.utils.data import DataLoader

import maskmill
from maskmill.shards import Dataset, View

from .checkpoint import Settings, check_resumable, load_checkpoint, save_checkpoint
from .curve import LossCurve
from .loader import Shards
from .loss import deep_supervision
from .networks import build
from .order import Batches
from .prediction import choose_device
from .preprocess import normalise
from .validation import mean_iou

_WEIGHT_DECAY = 0.01
# Gradients start at a norm near 25 and settle below 1. Unclipped, a late outlier meets AdamW's
# small second moments and throws the network back by hundreds of steps.
_LARGEST_GRADIENT = 1.0
_GPU_DRAIN = 20  # steps between two readings of the losses, each of which waits for the GPU
_LOG_EVERY = 50

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a training run came to.

    Parameters
    ----------
    losses : list of float
        Of every step since the very first, resumed or not.
    checkpoint : Path
        What `maskmill.train.predict` takes.
    steps : int
        How many steps the network has learnt from.
    iou : float or None
        Mean IoU at .5 over the validation pairs, at their own size; None without validation.
    resumed_from : int or None
        The step of the checkpoint that was continued.
    """

    losses: list[float]
    checkpoint: Path
    steps: int
    iou: float | None
    resumed_from: int | None


def fit(
    dataset: str | os.PathLike[str] | View,
    *,
    out: str | os.PathLike[str],
    model: str = "u2netp",
    steps: int = 1000,
    batch: int = 4,
    size: int = 160,
    lr: float = 1e-3,
    seed: int = 0,
    split: str | None = "train",
    validation: str | View | None = "val",
    resume: bool = True,
    device: str | torch.device | None = None,
    workers: int = 0,
    checkpoint_every: int = 500,
    log: Callable[[str], None] | None = None,
    progress: Callable[[int, int, float], None] | None = None,
    precision: str | None = None,
    augment: bool = True,
    threads: int | None = None,
) -> FitResult:
    """Train a network on a dataset: AdamW, deep supervision, gradients clipped to norm 1.

    ``out`` receives ``checkpoint.pt`` and ``losses.csv`` (step, loss). Twenty steps, and ten that
    are resumed for another ten, give the same losses bit for bit on the same CPU with the same
    number of threads, with any number of workers. A GPU gives no such promise.

    No state of the process is changed for good: neither random generators nor thread counts.

    Parameters
    ----------
    dataset : path-like, fsspec URL or View
        A finished dataset, or rows of one.
    out : path-like
        Folder of this run; made when missing.
    model : str
        Name for `build`.
    steps : int
        How many steps the network has seen at the end, including those before a resume.
    batch : int
        Pairs per step.
    size : int
        Side in pixels of the squares that the network sees, 64 or more.
    lr : float
        Learning rate, constant, so that a run can be prolonged.
    seed : int
        Of the weights, the order and the augmentation.
    split, validation : str or None
        Which splits to train and to validate on. `split` None: all pairs; `validation` None: no
        validation. Where `dataset` is a View, `validation` is another one or None.
    resume : bool
        Go on from the checkpoint in `out` if there is one. False: start over and replace it.
    device : str or torch.device, optional
        None: the GPU if there is one.
    workers : int
        Processes that read and decode. 0: this one does it. They are spawned and import the main
        script, so start one that uses them with ``if __name__ == "__main__":``.
    checkpoint_every : int
        Steps between checkpoints; the last step always makes one.
    log : callable, optional
        Called with a line of text now and then. None: `logging`.
    progress : callable, optional
        Called with the step, `steps` and the loss.
    precision : str, optional
        ``"float32"``, or ``"bf16"`` for autocast to bfloat16. None: bf16 on a GPU, float32 on a
        CPU, where bf16 is twice as fast if the CPU has avx512_bf16. May change on a resume, at the
        cost of the identical losses.
    augment : bool
        Mirror, crop and relight the pairs; see `Shards`.
    threads : int, optional
        Threads of PyTorch while it trains on the CPU.

    Returns
    -------
    FitResult

    Raises
    ------
    ValueError
        When an argument is out of range, or the dataset or the settings are not those of the
        checkpoint to be resumed.
    FloatingPointError
        When a loss is not finite.

    Examples
    --------
    ::

        result = fit("dataset/", out="runs/first", steps=2000, batch=8)
        alpha = next(predict(result.checkpoint, [image]))
    """
    for name, value, least in (
        ("steps", steps, 1),
        ("checkpoint_every", checkpoint_every, 1),
        ("workers", workers, 0),
        ("threads", 1 if threads is None else threads, 1),
    ):
        if value < least:
            raise ValueError(f"{name} must be {least} or more, got {value}")
    if not 0 < lr < float("inf"):
        raise ValueError(f"lr must be a positive number, got {lr}")
    if precision not in (None, "float32", "bf16"):
        raise ValueError(f"precision must be 'float32', 'bf16' or None, got {precision!r}")

    settings = Settings(model, size, batch, seed, lr, augment)
    training, held_out = _views(dataset, split, validation)
    shards = Shards(training, size, seed, augment)
    network = _fresh(model, seed)
    target = choose_device(device)
    half = precision == "bf16" or (precision is None and target.type == "cuda")
    say = log or logger.info

    out = Path(out)
    path = out / "checkpoint.pt"
    state = None
    if resume and path.exists():
        state = load_checkpoint(path)
        check_resumable(state, settings, training.fingerprint, steps)
        say(f"resuming {path} at step {state['step']}")
    done = 0 if state is None else int(state["step"])
    batches = Batches(
        len(shards),
        batch,
        count=steps - done,
        seed=seed,
        epoch=0 if state is None else state["epoch"],
        position=0 if state is None else state["position"],
    )
    out.mkdir(parents=True, exist_ok=True)
    with _tuned(target, threads):
        network = network.to(target).train()
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        optimiser = AdamW(network.parameters(), lr=lr, weight_decay=_WEIGHT_DECAY, fused=True)
        if state is not None:
            network.load_state_dict(state["weights"], strict=True)
            optimiser.load_state_dict(state["optimiser"])
        losses = [] if state is None else state["losses"].tolist()
        every = _GPU_DRAIN if target.type == "cuda" else 1

        if state is None:
            path.unlink(missing_ok=True)  # a stop before the first checkpoint must not revive it
        with LossCurve(out / "losses.csv", losses) as curve:
            loader = _loader(shards, batches, workers, pinned=target.type == "cuda")
            for step, (images, alphas, _) in enumerate(loader, start=done + 1):
                pixels = images.to(target, memory_format=torch.channels_last, non_blocking=True)
                truth = alphas.to(target, non_blocking=True).float() / 255
                with torch.autocast(target.type, torch.bfloat16, enabled=half):
                    logits = network(normalise(pixels))
                loss = deep_supervision(logits, truth)
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
                optimiser.step()
                batches.advance()
                curve.add(loss)

                saving = step == steps or step % checkpoint_every == 0
                if saving or step % every == 0:
                    curve.drain()
                    if progress is not None:
                        progress(step, steps, curve.losses[-1])
                if saving or step % _LOG_EVERY == 0:
                    curve.drain()
                    say(f"step {step} of {steps}: loss {curve.losses[-1]:.4f}")
                if saving:
                    save_checkpoint(
                        path,
                        {
                            "maskmill": maskmill.__version__,
                            "settings": asdict(settings),
                            "dataset": training.fingerprint,
                            "precision": "bf16" if half else "float32",
                            "step": step,
                            "epoch": batches.epoch,
                            "position": batches.position,
                            "weights": network.state_dict(),
                            "optimiser": optimiser.state_dict(),
                            "losses": torch.tensor(curve.losses, dtype=torch.float64),
                        },
                    )
        score = None if held_out is None else mean_iou(network, held_out, size, batch)
    if score is not None:
        say(f"validation: IoU {score:.4f} over {len(held_out or ())} pairs")
    return FitResult(
        losses=curve.losses,
        checkpoint=path,
        steps=steps,
        iou=score,
        resumed_from=None if state is None else done,
    )


def _views(
    dataset: str | os.PathLike[str] | View, split: str | None, validation: str | View | None
) -> tuple[View, View | None]:
    if not isinstance(dataset, View):
        opened = Dataset(dataset)
        training = opened.split(split)
        try:
            held_out = opened.split(validation) if isinstance(validation, str) else validation
        except ValueError as error:
            raise ValueError(f"validation: {error}; without any: None, --validation none") from None
    elif isinstance(validation, str):
        raise ValueError(
            f"validation must be a View or None where dataset is a View, got {validation!r}"
        )
    else:
        training, held_out = dataset, validation
    if held_out is not None and not len(held_out):
        raise ValueError(f"validation must have pairs, got none in {validation!r}")
    return training, held_out


def _fresh(model: str, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build(model)


def _loader(shards: Shards, batches: Batches, workers: int, *, pinned: bool) -> DataLoader[Any]:
    return DataLoader(
        shards,
        batch_sampler=batches,
        num_workers=workers,
        pin_memory=pinned,
        worker_init_fn=_one_thread,
        # A fork after OpenMP has run hangs in its first parallel region.
        multiprocessing_context="spawn" if workers else None,
        prefetch_factor=4 if workers else None,
        generator=torch.Generator(),  # else the loader draws from the process's own
    )


def _one_thread(_: int) -> None:
    cv2.setNumThreads(1)


@contextlib.contextmanager
def _tuned(device: torch.device, threads: int | None) -> Generator[None]:
    threads_before, benchmark_before = torch.get_num_threads(), torch.backends.cudnn.benchmark
    if threads is not None:
        torch.set_num_threads(threads)
    if device.type == "cuda":
        # Every step has the same shapes, so trying cuDNN's algorithms once pays.
        torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        if threads is not None:
            torch.set_num_threads(threads_before)
        torch.backends.cudnn.benchmark = benchmark_before
