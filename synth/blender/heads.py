"""Where a head has what: hairline, beard, brows, lips, ears; all measured on the body at rest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .bodies import BODY_VERTICES, Points
from .grounding import Rest

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """Measures of a head at rest, metres.

    Parameters
    ----------
    eyes
        Centres of the left and the right eyeball, 2 x 3.
    ball
        Radius of the eyeballs.
    crown
        Height of the crown.
    face, back
        y of the brow and of the back of the head.
    side
        Half the breadth above the ears.
    mouth, chin
        y and z of the lips' middle and of the chin.
    """

    eyes: Points
    ball: float
    crown: float
    face: float
    back: float
    side: float
    mouth: tuple[float, float]
    chin: tuple[float, float]

    @property
    def tall(self) -> float:
        """From the eyes to the crown."""
        return self.crown - float(self.eyes[:, 2].mean())

    @property
    def centre(self) -> Points:
        """The middle of the skull."""
        return np.array(
            [0.0, (self.face + self.back) / 2.0, float(self.eyes[:, 2].mean()) + 0.15 * self.tall]
        )


def head_of(body: Rest) -> Head:
    """Measure a head at rest."""
    base, skin = body.base, body.vertices[:BODY_VERTICES]
    eyes, radii = [], []
    for side in "lr":
        ball = body.vertices[np.unique(base.faces[base.groups[f"helper-{side}-eye"]])]
        # A sphere through points: |p|^2 = 2 c.p + (r^2 - |c|^2) is linear in c.
        table = np.concatenate([2.0 * ball, np.ones((len(ball), 1))], axis=1)
        solution = np.linalg.lstsq(table, (ball**2).sum(axis=1), rcond=None)[0]
        eyes.append(solution[:3])
        radii.append(float(np.sqrt(solution[3] + solution[:3] @ solution[:3])))
    level = float(np.mean([eye[2] for eye in eyes]))
    crown = float(skin[:, 2].max())
    tall = crown - level
    above = skin[skin[:, 2] > level + 0.3 * tall]
    middle = skin[(np.abs(skin[:, 0]) < 0.012 * tall / 0.11) & (skin[:, 2] > level - 1.3 * tall)]
    ahead = middle[middle[:, 1] < eyes[0][1]]
    lips = body.head("oris05"), body.head("oris01")
    mouth = (lips[0] + lips[1]) / 2.0
    chin = ahead[(ahead[:, 2] < mouth[2] - 0.12 * tall) & (ahead[:, 2] > mouth[2] - 0.62 * tall)]
    return Head(
        eyes=np.array(eyes),
        ball=float(np.mean(radii)),
        crown=crown,
        face=float(above[:, 1].min()),
        back=float(above[:, 1].max()),
        side=float(np.abs(above[:, 0]).max()),
        mouth=(float(mouth[1]), float(mouth[2])),
        chin=(float(chin[:, 1].min()), float(chin[chin[:, 1].argmin(), 2])),
    )


def _ramp(values: Floats, low: float, high: float) -> Floats:
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def scalp(head: Head, points: Points, recession: float = 0.0) -> Floats:
    """Return how much hair grows at points of the skin at rest (N x 3), 0 to 1.

    The hairline runs over the forehead, down before the ears, around them and down to the nape.

    Parameters
    ----------
    head
        The head's measures.
    points
        N x 3, metres.
    recession
        0 a full hairline to 1 one that has gone back to the crown.
    """
    eye = float(head.eyes[:, 2].mean())
    height = (points[:, 2] - eye) / head.tall
    depth = (points[:, 1] - head.face) / (head.back - head.face)
    across = np.abs(points[:, 0]) / head.side
    # Hairline by depth from brow (0) to the back (1), in heights of eye to crown.
    line = np.interp(
        depth,
        (0.0, 0.08, 0.20, 0.30, 0.38, 0.46, 0.52, 0.60, 0.68, 0.80, 1.0),
        (0.66, 0.66, 0.62, 0.44, 0.10, 0.00, 0.22, 0.12, -0.36, -0.62, -0.66),
    )
    front = _ramp(-depth, -0.34, -0.05)
    temples = np.exp(-(((across - 0.62) / 0.22) ** 2))
    line = line + front * (0.05 * temples + recession * (0.25 + 0.5 * temples))
    ears = _ramp(across, 1.03, 1.08)
    return _ramp(height - line, 0.0, 0.06) * (1.0 - ears)


def horseshoe(head: Head, points: Points) -> Floats:
    """Return how much hair grows where the crown is bald, 0 to 1."""
    eye = float(head.eyes[:, 2].mean())
    height = (points[:, 2] - eye) / head.tall
    depth = (points[:, 1] - head.face) / (head.back - head.face)
    limit = np.interp(depth, (0.25, 0.45, 0.75, 1.0), (0.25, 0.36, 0.42, 0.42))
    return scalp(head, points, 1.0) * _ramp(limit - height, 0.0, 0.12)


def beard(head: Head, points: Points) -> Floats:
    """Return how much beard grows at points of the skin at rest (N x 3), 0 to 1."""
    eye = float(head.eyes[:, 2].mean())
    unit = head.tall / 0.11
    across = np.abs(points[:, 0])
    low, mouth_y, mouth_z = head.chin[1] - 0.030 * unit, *head.mouth
    # From the sideburns down the cheek to the corner of the mouth.
    depth = (points[:, 1] - head.face) / (head.back - head.face)
    upper = np.interp(
        depth, (0.0, 0.12, 0.28, 0.45), (mouth_z + 0.004 * unit, mouth_z, eye - 0.052 * unit, eye)
    )
    cheek = _ramp(upper - points[:, 2], 0.0, 0.012 * unit)
    below = _ramp(points[:, 2] - low, 0.0, 0.012 * unit)
    ahead = _ramp(-depth, -0.50, -0.44)
    moustache = (
        _ramp(0.028 * unit - across, 0.0, 0.006 * unit)
        * _ramp(points[:, 2] - mouth_z - 0.003 * unit, 0.0, 0.003 * unit)
        * _ramp(mouth_z + 0.019 * unit - points[:, 2], 0.0, 0.004 * unit)
        * _ramp(-points[:, 1] + mouth_y, -0.03 * unit, -0.015 * unit)
    )
    lips = np.exp(
        -((across / (0.026 * unit)) ** 4) - (((points[:, 2] - mouth_z) / (0.0095 * unit)) ** 4)
    )
    return np.clip(np.maximum(cheek * below * ahead, moustache) - 1.6 * lips, 0.0, 1.0)


def lips(head: Head, points: Points) -> Floats:
    """Return how much points of the skin at rest (N x 3) belong to the lips, 0 to 1."""
    unit = head.tall / 0.11
    across = np.abs(points[:, 0]) / (0.0245 * unit)
    mouth_y, mouth_z = head.mouth
    height = (points[:, 2] - mouth_z) / unit
    bow = np.clip(1.0 - across**2, 0.0, 1.0) ** 0.6
    upper, lower = 0.0085 * bow, 0.0100 * bow
    inside = np.where(height > 0.0, upper - height, lower + height)
    near = _ramp(-points[:, 1] + mouth_y, -0.022 * unit, -0.012 * unit)
    return _ramp(inside, -0.001, 0.0015) * near * (across < 1.0)
