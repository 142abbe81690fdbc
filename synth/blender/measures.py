"""A tailor's measures of a body at rest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .bodies import Base, Points
from .grounding import Rest

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measures:
    """Where a body at rest has what clothes hang on; metres.

    Parameters
    ----------
    unit
        Size relative to a body of 1.70 m.
    notch
        y and z of the pit of the neck.
    nape
        y and z of the back of the neck's base.
    shoulder, wrist
        Joints of the left arm (3).
    girth
        Half the breadth of the chest below the arms.
    waist, hip, crotch, knee, ankle
        Heights.
    """

    unit: float
    notch: tuple[float, float]
    nape: tuple[float, float]
    shoulder: Points
    wrist: Points
    girth: float
    waist: float
    hip: float
    crotch: float
    knee: float
    ankle: float

    def along_arm(self, points: Points) -> Floats:
        """Return how far down the arm points (N x 3) lie, 0 the shoulder, 1 the wrist."""
        mirrored = points.copy()
        mirrored[:, 0] = np.abs(mirrored[:, 0])
        reach = self.wrist - self.shoulder
        return (mirrored - self.shoulder) @ reach / (reach @ reach)

    @property
    def arm(self) -> float:
        """Length from shoulder to wrist."""
        return float(np.linalg.norm(self.wrist - self.shoulder))


def measured(body: Rest) -> Measures:
    """Take the measures of a body at rest."""
    base, vertices = body.base, body.vertices
    shell = vertices[np.unique(base.faces[base.groups["helper-tights"]])]
    middle = shell[np.abs(shell[:, 0]) < 0.006]
    front, back = middle[middle[:, 1] < 0.0], middle[middle[:, 1] > 0.0]
    # Above the root of the neck old throats may lie further back than the pit.
    low, high = body.head("clavicle.L")[2], body.head("neck01")[2]
    pit = front[(front[:, 2] > low) & (front[:, 2] < high)]
    notch = pit[pit[:, 1].argmax()]
    # The seventh vertebra lies about as high as the root of the neck.
    nape = back[np.abs(back[:, 2] - body.head("neck01")[2] - 0.004).argmin()]
    hip = float(body.head("upperleg01.L")[2])
    between_legs = middle[middle[:, 2] < hip + 0.02]
    knee = float(body.head("lowerleg01.L")[2])
    chest = body.head("spine01")[2]
    torso = shell[(np.abs(shell[:, 2] - chest) < 0.03) & (np.abs(shell[:, 0]) < 0.2)]
    return Measures(
        unit=float(np.ptp(vertices[:13380, 2])) / 1.7,
        notch=(float(notch[1]), float(notch[2])),
        nape=(float(nape[1]), float(nape[2])),
        shoulder=body.head("upperarm01.L"),
        wrist=body.head("wrist.L"),
        girth=float(np.abs(torso[:, 0]).max()),
        waist=float(body.head("spine03")[2]),
        hip=hip,
        crotch=float(between_legs[:, 2].min()),
        knee=knee,
        ankle=float(body.head("foot.L")[2]),
    )


def arm_weight(base: Base, weights: Floats) -> Floats:
    """Return how much points (N x bones) follow an arm, 0 to 1."""
    rows = [
        i
        for i, name in enumerate(base.bones)
        if name.startswith(("upperarm", "lowerarm", "wrist", "metacarpal", "finger"))
    ]
    return weights[:, rows].sum(axis=1)
