"""Decide soft edges by the colours of the photograph: closed-form matting in a trimap's band."""

from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image, check_alpha
from maskmill.sample import Sample

from .smoothing import smooth
from .trimaps import BACKGROUND, FOREGROUND, UNKNOWN, Trimap, check_width, trimap

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

EPSILON = 1e-7
"""Levin's regularisation of a window's covariance."""
TOLERANCE = 1e-5
"""Residual at which the solver stops: 1e-4 leaves errors of .15 in single pixels, 1e-5 of .0006."""
ROUNDS = 2000
SHIFTS = (0.0, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
"""Added to the diagonal, one after the other, until the incomplete factor exists."""
RADIUS = 2
"""Half the side of the windows in which alpha is fitted to the colours, in solved pixels."""
FIT_EPSILON = 1e-5
SCALES = ((250_000, 1), (5_000_000, 2), (30_000_000, 3))
"""Up to how many pixels to solve at which part of the size; beyond, at a quarter."""
TILE = 96
"""Side of what is brought to full resolution at a time, in solved pixels: bounds memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Matted:
    """What matting made of a trimap.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        0 and 1 where the trimap is certain.
    solved : bool
        Whether the unknown pixels are matting's answer. If not, they are the prior's, or .5 where
        there is none.
    reason : str
        Why it was not solved: ``"no_unknown"``, ``"no_foreground"``, ``"no_background"`` (the
        trimap has none of these) or ``"solver"``; empty when it was.
    unknown : float
        Share of pixels that the trimap leaves open.
    """

    alpha: Alpha
    solved: bool
    reason: str
    unknown: float


def matte(
    image: Image,
    trimap: Trimap,
    prior: Alpha | None = None,
    *,
    prior_weight: float = 0.01,
    scale: int | None = None,
) -> Matted:
    """Find the alpha of a trimap's unknown pixels from the colours of the photograph.

    Closed-form matting: in every window of 3 x 3 pixels alpha is taken to be a linear function of
    colour, which makes it the solution of one sparse linear system ``(L + w I) a = w p``, with the
    matting Laplacian L, the prior p and its weight w. The system is solved for the unknown pixels
    of a reduced picture; there, alpha is fitted to colour once more, and the coefficients (smooth,
    unlike alpha) are enlarged and applied to the full picture.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        RGB.
    trimap : ndarray, H x W, uint8
        0 background, 128 unknown, 255 foreground.
    prior : ndarray, H x W, float32 in [0, 1], optional
        What alpha is expected to be; only its unknown pixels count.
    prior_weight : float
        How much it counts against the colours, 0 or more. .01 for masks that are nearly right; 0
        to .001 for coarse polygons.
    scale : int, optional
        Solve at 1/scale of the size, from 1. None chooses by size: 1 up to a quarter megapixel, 2
        up to 5 megapixels, 3 up to 30, then 4. On ten photographs of .5 megapixels, errors at 1/2
        to 1/4 are about 1 % from those at full size (6 % with a prior), 4 to 14 times as fast.

    Returns
    -------
    Matted
        Whatever a legal trimap leads to, an alpha comes back, with word of where it is from.

    Raises
    ------
    ValueError
        When arrays or parameters are not as described.

    References
    ----------
    A. Levin, D. Lischinski, Y. Weiss, "A closed-form solution to natural image matting", TPAMI
    2008, equation 12. K. He, J. Sun, "Fast guided filter", 2015: coefficients enlarged instead of
    values.

    Examples
    --------
    >>> image = np.zeros((8, 40, 3), np.uint8)
    >>> image[:] = np.linspace(0, 255, 40, dtype=np.uint8)[:, None]  # from black to white
    >>> known = np.full((8, 40), 128, np.uint8)
    >>> known[:, :4], known[:, -4:] = 0, 255
    >>> matted = matte(image, known)
    >>> matted.solved, bool(0.4 < matted.alpha[4, 20] < 0.6)
    (True, True)
    """
    _check(image, trimap, prior, prior_weight, scale)
    open_pixels = trimap == UNKNOWN
    unknown = float(open_pixels.mean())
    reason = _unsolvable(trimap, unknown)
    if reason:
        return Matted(_fallback(trimap, open_pixels, prior), False, reason, unknown)
    top, bottom, left, right = _surroundings(open_pixels)
    window = np.s_[top:bottom, left:right]
    small = _reduced(
        image[window],
        trimap[window],
        None if prior is None else prior[window],
        scale or scale_for(trimap.size),
    )
    solution = _solve(small, prior_weight if prior is not None else 0.0)
    if solution is None:
        return Matted(_fallback(trimap, open_pixels, prior), False, "solver", unknown)
    alpha = (trimap == FOREGROUND).astype(np.float32)
    _enlarge(solution, small, image[window], open_pixels[window], alpha[window])
    return Matted(alpha, True, "", unknown)


class _Small(NamedTuple):
    """The part of the picture that matters, reduced by a whole factor."""

    image: Floats32  # h x w x 3 in [0, 1]
    known: Floats32  # h x w: alpha where it is known, else 0
    open: npt.NDArray[np.bool_]
    prior: Floats32 | None
    factor: int


def _surroundings(open_pixels: npt.NDArray[np.bool_], margin: int = 24) -> tuple[int, ...]:
    """Rows and columns around what is unknown: all that takes part in the system."""
    height, width = open_pixels.shape
    rows = np.flatnonzero(open_pixels.any(axis=1))
    columns = np.flatnonzero(open_pixels.any(axis=0))
    return (
        max(0, int(rows[0]) - margin),
        min(height, int(rows[-1]) + 1 + margin),
        max(0, int(columns[0]) - margin),
        min(width, int(columns[-1]) + 1 + margin),
    )


def scale_for(pixels: int) -> int:
    """Return at which part of the size `matte` solves pictures of so many pixels."""
    return next((scale for limit, scale in SCALES if pixels <= limit), 4)


def _reduced(image: Image, trimap: Trimap, prior: Alpha | None, factor: int) -> _Small:
    foreground, background = trimap == FOREGROUND, trimap == BACKGROUND
    there = foreground.any(), background.any()
    foreground, background = _whole_blocks(foreground, factor), _whole_blocks(background, factor)
    if factor > 1 and (foreground.any(), background.any()) != there:
        # Certain parts are too thin to survive this reduction.
        return _reduced(image, trimap, prior, factor - 1)
    size = foreground.shape[::-1]
    colours = cv2.resize(_padded(image, factor), size, interpolation=cv2.INTER_AREA)
    expected = None
    if prior is not None:
        expected = cv2.resize(_padded(prior, factor), size, interpolation=cv2.INTER_AREA)
    return _Small(
        colours.astype(np.float32) / np.float32(255),
        foreground.astype(np.float32),
        ~(foreground | background),
        expected,
        factor,
    )


def _whole_blocks(mask: npt.NDArray[np.bool_], factor: int) -> npt.NDArray[np.bool_]:
    """Blocks of factor x factor pixels that the mask covers completely."""
    padded = _padded(mask.view(np.uint8), factor)
    height, width = padded.shape
    blocks = padded.reshape(height // factor, factor, width // factor, factor)
    return blocks.all(axis=(1, 3))


def _padded(array: Any, factor: int) -> Any:
    """Repeat the last row and column up to whole blocks, and to three blocks: one window."""
    height, width = array.shape[:2]
    below = max(-(-height // factor), 3) * factor - height
    beside = max(-(-width // factor), 3) * factor - width
    return cv2.copyMakeBorder(array, 0, below, 0, beside, cv2.BORDER_REPLICATE)


def _solve(small: _Small, weight: float) -> Floats32 | None:
    """Return alpha over the reduced picture, or None where the solver fails."""
    matrix, right = _laplacian(small)
    alpha = small.known.copy()
    start = np.full(right.shape, 0.5)
    if small.prior is not None:
        start = small.prior[small.open].astype(np.float64)
    if weight > 0:
        from scipy.sparse import identity

        matrix = (matrix + weight * identity(len(right), format="csr")).tocsr()
        right = right + weight * start
    found = _conjugate_gradients(matrix, right, start)
    if found is None:
        return None
    alpha[small.open] = np.clip(found, 0, 1)
    return alpha


def _laplacian(small: _Small) -> tuple[Any, Floats]:
    """Return the matting Laplacian of the unknown pixels and the right side due to the known.

    Only windows that hold an unknown pixel take part. Window by window, the entry of pixels i and j
    is ``d_ij - (1 + (I_i - m)' S^-1 (I_j - m)) / 9``, with S regularised.
    """
    from scipy.sparse import csr_matrix

    height, width = small.open.shape
    number = int(small.open.sum())
    index = np.full(height * width, -1, np.int32)
    index[small.open.ravel()] = np.arange(number, dtype=np.int32)
    colours = small.image.reshape(-1, 3).astype(np.float64)
    known = small.known.ravel().astype(np.float64)
    values = np.zeros((number, 25))
    right = np.zeros(number)
    inside = [(dy * width + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    for centres in _windows(small.open):
        pixels = np.stack([centres + step for step in inside])  # 9 x windows
        away = colours[pixels]  # 9 x windows x 3
        away -= away.mean(axis=0)
        spread = np.einsum("kwc,kwd->wcd", away, away) / 9
        spread[:, [0, 1, 2], [0, 1, 2]] += EPSILON / 9
        white = np.einsum("wcd,kwd->kwc", np.linalg.inv(spread), away)
        for i in range(9):
            rows = index[pixels[i]]
            mine = rows >= 0
            rows = rows[mine]
            for j in range(9):
                entry = np.einsum("wc,wc->w", white[i][mine], away[j][mine])
                entry = (1.0 if i == j else 0.0) - (1 + entry) / 9
                others = pixels[j][mine]
                offset = (j // 3 - i // 3 + 2) * 5 + (j % 3 - i % 3 + 2)
                # Each pixel is the i-th of one window only: no index appears twice.
                values[rows, offset] += entry
                right[rows] -= entry * known[others]
    steps = np.array([dy * width + dx for dy in range(-2, 3) for dx in range(-2, 3)])
    own = np.flatnonzero(small.open.ravel())
    neighbours = own[:, None] + steps
    taking_part = values != 0
    taking_part &= (neighbours >= 0) & (neighbours < index.size)
    columns = np.full(neighbours.shape, -1, np.int32)
    columns[taking_part] = index[neighbours[taking_part]]
    taking_part &= columns >= 0
    starts = np.concatenate([[0], np.cumsum(taking_part.sum(axis=1))]).astype(np.int32)
    matrix = csr_matrix((values[taking_part], columns[taking_part], starts), shape=(number, number))
    return matrix, right


def _windows(
    open_pixels: npt.NDArray[np.bool_], at_once: int = 1 << 14
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the centres, as flat indices, of the windows that hold an unknown pixel."""
    near = cv2.dilate(open_pixels.view(np.uint8), np.ones((3, 3), np.uint8))
    near[[0, -1]] = 0
    near[:, [0, -1]] = 0
    centres = np.flatnonzero(near)
    for first in range(0, len(centres), at_once):
        yield centres[first : first + at_once]


def _conjugate_gradients(matrix: Any, right: Floats, start: Floats) -> Floats | None:
    """Solve by conjugate gradients behind an incomplete Cholesky factor; None where that fails.

    Sums are numpy's own, not BLAS's: those depend on the number of threads.
    """
    from pymatting.preconditioner.ichol import ichol

    matrix = matrix.tocsc()
    for keep_from in (1e-4, 1e-3):
        try:
            with redirect_stdout(None):  # it prints a warning for every shift that will not do
                precondition = ichol(matrix, keep_from, SHIFTS, max_nnz=80 * len(right))
            break
        except ValueError:  # the factor outgrew max_nnz, or no shift made the matrix definite
            continue
    else:
        return None
    limit = TOLERANCE * float(np.sqrt(np.square(right).sum()))
    found = start.copy()
    residual = right - matrix @ found
    step = precondition(residual)
    direction = step.copy()
    product = float((residual * step).sum())
    for _ in range(ROUNDS):
        if float(np.sqrt(np.square(residual).sum())) <= limit:
            return found
        moved = matrix @ direction
        length = product / float((direction * moved).sum())
        found += length * direction
        residual -= length * moved
        step = precondition(residual)
        last, product = product, float((residual * step).sum())
        direction = step + (product / last) * direction
    return None


def _enlarge(
    solution: Floats32,
    small: _Small,
    image: Image,
    open_pixels: npt.NDArray[np.bool_],
    alpha: Alpha,
) -> None:
    """Write the solution into the unknown pixels of `alpha`."""
    if small.factor == 1:
        height, width = alpha.shape
        alpha[open_pixels] = solution[:height, :width][open_pixels]
        return
    slopes, offset = _fit(solution, small.image)
    fitted = np.concatenate([slopes, offset[..., None]], axis=-1)
    factor = small.factor
    height, width = alpha.shape
    for top in range(0, height, TILE * factor):
        for left in range(0, width, TILE * factor):
            tile = np.s_[top : top + TILE * factor, left : left + TILE * factor]
            if not open_pixels[tile].any():
                continue
            fine = _enlarged(fitted, top // factor, left // factor, factor)
            rows, columns = alpha[tile].shape
            fine = fine[:rows, :columns]
            found = np.einsum("yxc,yxc->yx", fine[..., :3], image[tile], dtype=np.float32)
            found = found / np.float32(255) + fine[..., 3]
            np.copyto(alpha[tile], np.clip(found, 0, 1), where=open_pixels[tile])


def _enlarged(fitted: Floats32, top: int, left: int, factor: int) -> Floats32:
    """Enlarge one tile bilinearly, as it would be in the whole: with a neighbour all around."""
    height, width = fitted.shape[:2]
    rows = np.clip(np.arange(top - 1, top + TILE + 1), 0, height - 1)
    columns = np.clip(np.arange(left - 1, left + TILE + 1), 0, width - 1)
    around = fitted[np.ix_(rows, columns)]
    size = ((TILE + 2) * factor, (TILE + 2) * factor)
    fine: Any = cv2.resize(around, size, interpolation=cv2.INTER_LINEAR)
    return fine[factor:-factor, factor:-factor]


def _fit(solution: Floats32, image: Floats32) -> tuple[Floats32, Floats32]:
    """Return, averaged, the slopes (h x w x 3) and offset (h x w) of alpha over colour."""
    side = (2 * RADIUS + 1, 2 * RADIUS + 1)

    def mean(of: Any) -> Any:
        return cv2.blur(of, side, borderType=cv2.BORDER_REFLECT_101)

    colour, level = mean(image), mean(solution)
    together = mean(image * solution[..., None]) - colour * level[..., None]
    spread = np.empty((*solution.shape, 3, 3), np.float32)
    for one in range(3):
        for other in range(one, 3):
            product = mean(image[..., one] * image[..., other])
            spread[..., one, other] = product - colour[..., one] * colour[..., other]
            spread[..., other, one] = spread[..., one, other]
    spread[..., [0, 1, 2], [0, 1, 2]] += np.float32(FIT_EPSILON)
    slopes = np.linalg.solve(spread, together[..., None])[..., 0]
    offset = level - (slopes * colour).sum(axis=-1)
    return mean(slopes), mean(offset)


def _fallback(trimap: Trimap, open_pixels: npt.NDArray[np.bool_], prior: Alpha | None) -> Alpha:
    certain = (trimap == FOREGROUND).astype(np.float32)
    if prior is not None:
        return np.where(open_pixels, prior, certain)
    return certain + np.float32(0.5) * open_pixels


def _unsolvable(trimap: Trimap, unknown: float) -> str:
    if unknown == 0:
        return "no_unknown"
    if not (trimap == FOREGROUND).any():
        return "no_foreground"
    if not (trimap == BACKGROUND).any():
        return "no_background"
    return ""


def _check(
    image: Image, trimap: Trimap, prior: Alpha | None, prior_weight: float, scale: int | None
) -> None:
    if trimap.dtype != np.uint8 or trimap.ndim != 2 or trimap.size == 0:
        raise ValueError(f"trimap must be H x W uint8, got {trimap.shape} {trimap.dtype}")
    counts = cv2.calcHist([trimap], [0], None, [256], [0, 256]).ravel()
    strange = [level for level in np.flatnonzero(counts).tolist() if level not in (0, 128, 255)]
    if strange:
        raise ValueError(
            f"trimap must hold 0, 128 and 255 only, got {strange[0]}; "
            "maskmill.refine.trimap makes one from an alpha"
        )
    if image.dtype != np.uint8 or image.shape != (*trimap.shape, 3):
        raise ValueError(
            f"image must be {trimap.shape[0]} x {trimap.shape[1]} x 3 uint8, as the trimap is, "
            f"got {image.shape} {image.dtype}"
        )
    if prior is not None:
        check_alpha(prior, trimap.shape)  # pyright: ignore[reportArgumentType]
    _check_weight(prior_weight)
    if scale is not None and (scale < 1 or scale != int(scale)):
        raise ValueError(f"scale must be a whole number from 1, got {scale}")


def _check_weight(prior_weight: float) -> None:
    if not 0 <= prior_weight < np.inf:
        raise ValueError(f"prior_weight must be a number from 0, got {prior_weight}")


@dataclass(frozen=True)
class Matte:
    """Let the photograph decide a sample's edge: `trimap`, then `matte` with the alpha as prior.

    The history notes ``changed``, the share of pixels that crossed .5, ``unknown``, the share the
    trimap left open, and ``solved``, 1 or 0: where matting has no answer (a thin object lies all in
    the band) the alpha stays as it is.

    Parameters
    ----------
    width : float
        Half the width of the band as a share of the long side.
    prior_weight : float
        How much the alpha that is there counts against the colours.

    Examples
    --------
    >>> alpha = np.zeros((60, 80), np.float32)
    >>> alpha[20:40, 24:60] = 1  # the bright square begins at 20: the mask is 4 pixels off
    >>> image = np.full((60, 80, 3), 30, np.uint8)
    >>> image[20:40, 20:60] = 220
    >>> mended = Matte(width=8 / 80)(Sample.of(image, alpha))
    >>> alpha[30, 22].item(), mended.alpha[30, 22].item() > 0.8, mended.history[0].stage
    (0.0, True, 'matte')
    """

    width: float = 10 / 800
    prior_weight: float = 0.01

    def __post_init__(self) -> None:
        check_width(self.width)
        _check_weight(self.prior_weight)

    def __call__(self, sample: Sample) -> Sample:
        """Return the sample with the alpha that matting found, or the one it had."""
        alpha = sample.alpha
        soft = bool(((alpha > 0) & (alpha < 1)).any())
        prior = alpha if soft else smooth(alpha)
        matted = matte(
            sample.image, trimap(alpha, width=self.width), prior, prior_weight=self.prior_weight
        )
        found = matted.alpha if matted.solved else alpha
        changed = float(np.mean((found >= 0.5) != (alpha >= 0.5)))
        return sample.with_alpha(
            found,
            step="matte",
            changed=changed,
            unknown=matted.unknown,
            solved=float(matted.solved),
        )
