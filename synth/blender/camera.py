"""The camera: where it stands so that the subject fills the asked share of the frame."""

import math
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from .stage import looking
from .subject import Frame

Points = npt.NDArray[np.float64]

# Millimetres: a full-frame sensor along the longer side of the picture.
_SENSOR = 36.0
# Share of the half frame that what is to be seen reaches to.
_REACH = 0.93
_LOWEST = 0.08  # metres above the ground


@dataclass(frozen=True)
class Shot:
    """A camera that is turned already, and its place.

    Parameters
    ----------
    axes
        3 x 3: rows are right, up and the line of sight in the world.
    place
        Its place along these axes, metres.
    depth
        Of the subject's middle along the line of sight, metres.
    tangents
        Half the width and the height of the picture at a distance of 1 m.
    """

    axes: Points
    place: Points
    depth: float
    tangents: tuple[float, float]

    @property
    def distance(self) -> float:
        """Metres to the subject's middle, along the line of sight."""
        return self.depth - float(self.place[2])

    @property
    def eye(self) -> Points:
        """Its place in the world, metres."""
        return self.place @ self.axes

    def nearer(self, factor: float, *, keep_top: bool) -> "Shot":
        """Return it at `factor` times the distance; what is at the upper edge may stay there."""
        right, up, _ = self.place
        if keep_top:
            up += self.tangents[1] * self.distance * (1 - factor)
        return replace(self, place=np.array((right, up, self.depth - factor * self.distance)))

    def frame(self, points: Points) -> Frame:
        """Return what is behind and before a subject of these points (N x 3, metres)."""
        wide, high = (2 * tangent * self.distance for tangent in self.tangents)
        return Frame(
            low=points.min(axis=0),
            high=points.max(axis=0),
            camera=self.eye,
            right=self.axes[0],
            up=self.axes[1],
            width=wide,
            height=high,
        )


def first_shot(points: Points, camera: dict[str, Any], width: int, height: int) -> Shot:
    """Return the camera that shows the wanted part of the subject as large as it fits.

    Parameters
    ----------
    points
        N x 3, metres.
    camera
        Of the sample: `azimuth`, `elevation`, `lens`, `crop` (shares of the subject's height, from
        below) and `side` (where its middle stands, in shares of the width from the middle).
    width, height
        Of the picture.
    """
    half = _SENSOR / 2 / camera["lens"]
    tangents = (half * min(1.0, width / height), half * min(1.0, height / width))
    low, high = points[:, 2].min(), points[:, 2].max()
    bottom, top = (low + share * (high - low) for share in camera["crop"])
    wanted = points[(points[:, 2] >= bottom) & (points[:, 2] <= top)]
    wanted = wanted if len(wanted) else points
    elevation = camera["elevation"]
    while True:
        shot = _fitted(wanted, _axes(camera["azimuth"], elevation), tangents)
        if elevation >= 0 or shot.eye[2] >= _LOWEST:
            break
        elevation = min(0.0, elevation + 0.03)
    aside = camera.get("side", 0.0) * 2 * tangents[0] * shot.distance
    return replace(shot, place=shot.place - np.array((aside, 0.0, 0.0)))


def _axes(azimuth: float, elevation: float) -> Points:
    flat, rise = math.cos(elevation), math.sin(elevation)
    away = np.array((flat * math.sin(azimuth), -flat * math.cos(azimuth), rise))
    right = np.array((math.cos(azimuth), math.sin(azimuth), 0.0))
    return np.stack((right, np.cross(right, -away), -away))


def _fitted(points: Points, axes: Points, tangents: tuple[float, float]) -> Shot:
    """Return the nearest place from which all points lie within the picture.

    A point at (x, z) is left of the right edge where x - c <= t (z - e), c and e being the camera's
    place: of all points only the largest x - t z and the largest -x - t z count.
    """
    seen = points @ axes.T
    place = np.zeros(3)
    place[2] = np.inf
    edges: list[tuple[float, float, float]] = []
    for side, tangent in enumerate(tangents):
        reach = _REACH * tangent
        right = float((seen[:, side] - reach * seen[:, 2]).max())
        left = float((-seen[:, side] - reach * seen[:, 2]).max())
        edges.append((right, left, reach))
        place[2] = min(place[2], -(right + left) / (2 * reach))
    for side, (right, left, _) in enumerate(edges):
        place[side] = (right - left) / 2
    depth = float((seen[:, 2].min() + seen[:, 2].max()) / 2)
    return Shot(axes, place, depth, tangents)


def place_camera(scene: Any, shot: Shot, camera: dict[str, Any], points: Points) -> Any:
    """Put the scene's camera there, with its lens, depth of field and movement."""
    eye = scene.camera
    if eye is None:
        eye = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        scene.collection.objects.link(eye)
        scene.camera = eye
    eye.animation_data_clear()
    eye.data.sensor_width, eye.data.sensor_fit = _SENSOR, "AUTO"
    eye.data.lens = camera["lens"]
    eye.data.clip_start, eye.data.clip_end = 0.01, 500.0
    eye.matrix_world = looking(shot.eye, shot.axes[2])
    if camera.get("f_number"):
        eye.data.dof.use_dof = True
        eye.data.dof.aperture_fstop = camera["f_number"]
        # Faces and fronts are nearer than the middle.
        depths = points @ shot.axes[2] - shot.place[2]
        eye.data.dof.focus_distance = max(0.05, float(np.percentile(depths, 25)))
    moves = camera.get("shutter", 0.0) > 0 and camera.get("pan", 0.0) != 0
    scene.render.use_motion_blur = moves
    if moves:
        _pan(scene, eye, camera["pan"], camera["shutter"])
    return eye


def _pan(scene: Any, eye: Any, pan: float, shutter: float) -> None:
    """Turn the camera about the vertical by `pan` radians a frame; the picture is of frame 1."""
    scene.render.motion_blur_shutter = shutter
    middle = eye.rotation_euler.z
    for frame, turn in ((0, -pan), (2, pan)):
        eye.rotation_euler.z = middle + turn
        eye.keyframe_insert("rotation_euler", index=2, frame=frame)
    for curve in _curves(eye):
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"
    scene.frame_set(1)


def _curves(eye: Any) -> Any:
    action = eye.animation_data.action
    if hasattr(action, "fcurves"):  # until 4.5
        return action.fcurves
    return action.layers[0].strips[0].channelbags[0].fcurves
