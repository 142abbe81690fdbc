"""U-2-Net as its authors laid it out, and the loss it is trained with."""

import csv
from pathlib import Path

import pytest
import torch
from torch import Tensor

from maskmill.train import build
from maskmill.train.loss import deep_supervision

# Names and shapes of the state dict of model/u2net.py in github.com/xuebinqin/U-2-Net, in order.
LAYOUT = Path(__file__).with_name("u2net_layout.csv")


def official_layout(name: str) -> list[tuple[str, tuple[int, ...]]]:
    with LAYOUT.open(newline="") as file:
        return [
            (row["name"], tuple(int(side) for side in row[name].split("x") if side))
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("name", ["u2net", "u2netp"])
def test_state_dict_has_the_official_names_and_shapes_in_order(name: str) -> None:
    state = build(name).state_dict()
    assert [(key, tuple(value.shape)) for key, value in state.items()] == official_layout(name)


@pytest.mark.parametrize(("name", "millions"), [("u2net", 44.01), ("u2netp", 1.13)])
def test_size_is_the_paper_s(name: str, millions: float) -> None:
    count = sum(weights.numel() for weights in build(name).parameters())
    assert round(count / 1e6, 2) == millions


def test_weights_of_the_official_layout_load_strictly_and_decide_the_output() -> None:
    generator = torch.Generator().manual_seed(0)
    weights: dict[str, Tensor] = {}
    for key, shape in official_layout("u2netp"):
        weights[key] = (torch.rand(shape, generator=generator) - 0.5) / 4
        if key.endswith("running_var"):
            weights[key] += 0.5
        elif key.endswith("num_batches_tracked"):
            weights[key] = torch.tensor(7)
    first, second = build("u2netp").eval(), build("u2netp").eval()
    first.load_state_dict(weights, strict=True)
    second.load_state_dict(first.state_dict(), strict=True)
    image = torch.rand(1, 3, 64, 64, generator=generator)
    with torch.no_grad():
        for one, other in zip(first(image), second(image), strict=True):
            assert torch.isfinite(one).all()
            assert torch.equal(one, other)
    assert all(torch.equal(value, weights[key]) for key, value in second.state_dict().items())


def test_seven_outputs_have_the_input_s_size_whatever_it_is() -> None:
    network = build("u2netp").eval()
    with torch.no_grad():
        outputs = network(torch.zeros(2, 3, 70, 93))
    assert [tuple(output.shape) for output in outputs] == [(2, 1, 70, 93)] * 7


def test_outputs_are_logits() -> None:
    network = build("u2netp").eval()
    with torch.no_grad():
        network.get_submodule("outconv").bias.fill_(50.0)  # pyright: ignore
        assert network(torch.zeros(1, 3, 64, 64))[0].min() > 1


def test_all_weights_receive_a_gradient() -> None:
    network = build("u2netp")
    logits = network(torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    deep_supervision(logits, torch.ones(2, 1, 64, 64)).backward()
    assert [key for key, weights in network.named_parameters() if weights.grad is None] == []


@pytest.mark.parametrize(("given", "near"), [("u2nett", "u2net"), ("U2NetP", "u2netp")])
def test_an_unknown_name_is_refused_with_the_nearest_one(given: str, near: str) -> None:
    with pytest.raises(ValueError, match=rf"got '{given}'; did you mean '{near}'\?"):
        build(given)


def test_a_name_that_resembles_nothing_is_refused_with_the_list() -> None:
    with pytest.raises(ValueError, match=r"model must be 'u2net' or 'u2netp', got 'zzz'$"):
        build("zzz")


@pytest.mark.parametrize(("logit", "alpha"), [(120.0, 0.0), (-120.0, 1.0)])
def test_a_very_wrong_pixel_costs_its_logit_and_has_gradient_one(
    logit: float, alpha: float
) -> None:
    # A float32 sigmoid followed by its logarithm has gradient 0 here.
    outputs = [torch.full((1, 1, 1, 1), logit, requires_grad=True) for _ in range(7)]
    loss = deep_supervision(outputs, torch.full((1, 1, 1, 1), alpha))
    loss.backward()
    assert loss.item() == pytest.approx(7 * 120)
    for output in outputs:
        assert output.grad is not None
        assert output.grad.abs().item() == pytest.approx(1)


def test_a_bfloat16_logit_keeps_its_loss() -> None:
    # sigmoid(6) is exactly 1 in bfloat16; from there a loss can only be clamped.
    wrong = torch.full((1, 1, 1, 1), 6.0, dtype=torch.bfloat16)
    loss = deep_supervision([wrong], torch.zeros(1, 1, 1, 1))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(6.0025, abs=1e-4)


def test_autocast_does_not_reach_into_the_loss() -> None:
    logits, alpha = torch.linspace(-3, 3, 16).view(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.3)
    with torch.autocast("cpu", torch.bfloat16):
        inside = deep_supervision([logits], alpha)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, deep_supervision([logits], alpha))


def test_a_soft_alpha_is_best_met_by_itself() -> None:
    alpha = torch.tensor([0.1, 0.5, 0.8]).view(1, 1, 1, 3)
    logits = torch.logit(alpha).requires_grad_()
    deep_supervision([logits], alpha).backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-7


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_empty_and_full_masks_have_a_finite_loss(level: float) -> None:
    network = build("u2netp")
    loss = deep_supervision(network(torch.zeros(2, 3, 64, 64)), torch.full((2, 1, 64, 64), level))
    loss.backward()
    assert torch.isfinite(loss)
    for weights in network.parameters():
        assert weights.grad is not None
        assert torch.isfinite(weights.grad).all()
