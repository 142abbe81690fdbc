"""U-2-Net: a U-net whose blocks are U-nets, with the state-dict layout of the authors' code.

Qin et al., "U2-Net: Going deeper with nested U-structure for salient object detection", Pattern
Recognition 106 (2020). Names, shapes and order of the parameters are those of model/u2net.py in
github.com/xuebinqin/U-2-Net, so that published weights load with ``strict=True``. Unlike there,
the outputs are logits: a sigmoid in bfloat16 is exactly 1 from a logit of 6.25 on, and its loss
then has no gradient left.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Channels(NamedTuple):
    """Channels that enter a block, run inside it, and leave it."""

    entering: int
    inner: int
    leaving: int


class Widths(NamedTuple):
    """The widths of a network: encoder stages 1 to 6, decoder stages 1 to 5."""

    encoder: Sequence[Channels]
    decoder: Sequence[Channels]


# The paper's figure 5, left column: 44 M parameters.
FULL = Widths(
    encoder=[
        Channels(3, 32, 64),
        Channels(64, 32, 128),
        Channels(128, 64, 256),
        Channels(256, 128, 512),
        Channels(512, 256, 512),
        Channels(512, 256, 512),
    ],
    decoder=[
        Channels(128, 16, 64),
        Channels(256, 32, 64),
        Channels(512, 64, 128),
        Channels(1024, 128, 256),
        Channels(1024, 256, 512),
    ],
)
# The same picture in 16 and 64 channels throughout: 1.1 M parameters.
SMALL = Widths(
    encoder=[Channels(3, 16, 64), *[Channels(64, 16, 64)] * 5],
    decoder=[Channels(128, 16, 64)] * 5,
)

# How often each of the stages 1 to 4 halves its map, plus two. Stages 5 and 6 see maps too small
# to halve and dilate their kernels instead.
_DEPTHS = (7, 6, 5, 4)


class ConvBlock(nn.Module):
    """3 x 3 convolution, batch normalisation, ReLU; the size of the map stays."""

    def __init__(self, entering: int, leaving: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv_s1 = nn.Conv2d(entering, leaving, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = nn.BatchNorm2d(leaving)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the same height and width."""
        return functional.relu(self.bn_s1(self.conv_s1(x)), inplace=True)


class ResidualU(nn.Module):
    """RSU-L: a U of `depth` levels between a block's input and its output, which are added.

    Parameters
    ----------
    depth : int
        L of the paper. The map is halved L - 2 times; the lowest level is dilated instead.
    channels : Channels
        What enters, runs inside and leaves.
    """

    def __init__(self, depth: int, channels: Channels) -> None:
        super().__init__()
        self.depth = depth
        entering, inner, leaving = channels
        self.rebnconvin = ConvBlock(entering, leaving)
        self.add_module("rebnconv1", ConvBlock(leaving, inner))
        for level in range(2, depth):
            self.add_module(f"rebnconv{level}", ConvBlock(inner, inner))
        self.add_module(f"rebnconv{depth}", ConvBlock(inner, inner, dilation=2))
        for level in range(depth - 1, 1, -1):
            self.add_module(f"rebnconv{level}d", ConvBlock(2 * inner, inner))
        self.add_module("rebnconv1d", ConvBlock(2 * inner, leaving))

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the same height and width."""
        entry = self.rebnconvin(x)
        x = self.get_submodule("rebnconv1")(entry)
        passed = [x]
        for level in range(2, self.depth):
            x = self.get_submodule(f"rebnconv{level}")(halve(x))
            passed.append(x)
        x = self.get_submodule(f"rebnconv{self.depth}")(x)
        for level in range(self.depth - 1, 0, -1):
            beside = passed.pop()
            x = torch.cat((enlarge(x, beside), beside), 1)
            x = self.get_submodule(f"rebnconv{level}d")(x)
        return x + entry


class DilatedU(nn.Module):
    """RSU-4F: the same U with dilations 1, 2, 4 and 8 in the place of halving."""

    def __init__(self, channels: Channels) -> None:
        super().__init__()
        entering, inner, leaving = channels
        self.rebnconvin = ConvBlock(entering, leaving)
        self.rebnconv1 = ConvBlock(leaving, inner)
        self.rebnconv2 = ConvBlock(inner, inner, dilation=2)
        self.rebnconv3 = ConvBlock(inner, inner, dilation=4)
        self.rebnconv4 = ConvBlock(inner, inner, dilation=8)
        self.rebnconv3d = ConvBlock(2 * inner, inner, dilation=4)
        self.rebnconv2d = ConvBlock(2 * inner, inner, dilation=2)
        self.rebnconv1d = ConvBlock(2 * inner, leaving)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the same height and width."""
        entry = self.rebnconvin(x)
        first = self.rebnconv1(entry)
        second = self.rebnconv2(first)
        third = self.rebnconv3(second)
        x = self.rebnconv3d(torch.cat((self.rebnconv4(third), third), 1))
        x = self.rebnconv2d(torch.cat((x, second), 1))
        return self.rebnconv1d(torch.cat((x, first), 1)) + entry


class U2Net(nn.Module):
    """The network: six encoder stages, five decoder stages, six side outputs and their fusion.

    Parameters
    ----------
    widths : Widths
        `FULL` or `SMALL`.

    Examples
    --------
    >>> logits = U2Net(SMALL).eval()(torch.zeros(1, 3, 64, 96))
    >>> len(logits), tuple(logits[0].shape)
    (7, (1, 1, 64, 96))
    """

    def __init__(self, widths: Widths = FULL) -> None:
        super().__init__()
        stages = len(widths.encoder)
        for stage, channels in enumerate(widths.encoder, start=1):
            self.add_module(f"stage{stage}", _block(stage, channels))
        for stage in range(stages - 1, 0, -1):
            self.add_module(f"stage{stage}d", _block(stage, widths.decoder[stage - 1]))
        seen = [*widths.decoder, widths.encoder[-1]]
        for stage, channels in enumerate(seen, start=1):
            self.add_module(f"side{stage}", nn.Conv2d(channels.leaving, 1, 3, padding=1))
        self.outconv = nn.Conv2d(stages, 1, 1)
        self.stages = stages

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return seven maps of logits, each N x 1 x H x W: the fused one, then side outputs 1 to 6.

        Parameters
        ----------
        x : Tensor, N x 3 x H x W, float
            Normalised as `maskmill.train.preprocess.normalise` does it. Training needs more than
            one value per channel in the smallest map: H and W above 32, or N above 1.
        """
        passed = [self.get_submodule("stage1")(x)]
        for stage in range(2, self.stages + 1):
            passed.append(self.get_submodule(f"stage{stage}")(halve(passed[-1])))
        x = passed.pop()
        sides = [self.get_submodule(f"side{self.stages}")(x)]
        for stage in range(self.stages - 1, 0, -1):
            beside = passed.pop()
            x = torch.cat((enlarge(x, beside), beside), 1)
            x = self.get_submodule(f"stage{stage}d")(x)
            sides.insert(0, self.get_submodule(f"side{stage}")(x))
        sides = [enlarge(side, sides[0]) for side in sides]
        return (self.outconv(torch.cat(sides, 1)), *sides)


def halve(x: Tensor) -> Tensor:
    """Return the map at half its size, rounded up, by the greatest of each 2 x 2."""
    return functional.max_pool2d(x, 2, 2, ceil_mode=True)


def enlarge(x: Tensor, like: Tensor) -> Tensor:
    """Return the map at another map's height and width, bilinear with half-pixel centres."""
    if x.shape[2:] == like.shape[2:]:
        return x
    size = [like.shape[2], like.shape[3]]
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def _block(stage: int, channels: Channels) -> nn.Module:
    if stage > len(_DEPTHS):
        return DilatedU(channels)
    return ResidualU(_DEPTHS[stage - 1], channels)
