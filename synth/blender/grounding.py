"""Plans made into bones: legs that reach the ground, arms that reach what they reach for."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .bodies import BODY_VERTICES, Base, Points
from .poses import Arm, Leg, Plan
from .skeleton import Matrix, Stance, aligned, joints, skinned, stance, turned, two_bones

_SIDES = (("L", 1.0), ("R", -1.0))
_SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
_NECK = ("neck01", "neck02", "neck03", "head")
_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def _bend(turn: tuple[float, float, float], share: float) -> Matrix:
    """Return a share of a bend forward, a lean to the left and a twist to the left."""
    forward, lean, twist = turn
    return turned(_Z, share * twist) @ turned(_Y, share * lean) @ turned(_X, share * forward)


@dataclass(frozen=True)
class Rest:
    """What a body at rest says about itself.

    Parameters
    ----------
    base
        The base mesh.
    vertices
        19158 x 3, metres, soles at z = 0.
    heads
        bones x 3.
    leg
        Length from hip to ankle, metres.
    """

    base: Base
    vertices: Points
    heads: Points
    leg: float

    def head(self, bone: str) -> Points:
        """Return where a bone begins."""
        return self.heads[self.base.bone[bone]]


def rest(base: Base, vertices: Points) -> Rest:
    """Measure a body at rest (19158 x 3, metres)."""
    heads = joints(base, vertices)

    def between(a: str, b: str) -> float:
        return float(np.linalg.norm(heads[base.bone[a]] - heads[base.bone[b]]))

    leg = between("upperleg01.L", "lowerleg01.L") + between("lowerleg01.L", "foot.L")
    return Rest(base=base, vertices=vertices, heads=heads, leg=leg)


def _foot_frame(body: Rest, leg: Leg, side: str, sign: float) -> Matrix:
    """Return the foot's rotation in the world: toes turned out, heel up."""
    toes = body.head(f"toe3-1.{side}") - body.head(f"foot.{side}")
    natural = np.degrees(np.arctan2(sign * toes[0], -toes[1]))
    yaw = turned(_Z, sign * (leg.toe_out - natural))
    heading = turned(_Z, -sign * natural)
    # The axis across the foot, about which the heel rises.
    across = heading.T @ np.array(_X)
    return yaw @ turned(across, leg.heel_up)


def _ankle(body: Rest, leg: Leg, side: str, sign: float, foot: Matrix, sole: float) -> Points:
    """Return where the ankle is when the foot stands as planned."""
    ankle, ball = body.head(f"foot.{side}"), body.head(f"toe3-1.{side}")
    place = np.array([sign * leg.out, -leg.forward, 0.0]) * body.leg
    place[2] = ankle[2] + sole + leg.lift * body.leg
    if leg.heel_up:
        # The ball stays where it would be with the heel down.
        heading = foot[:, 0]
        level = turned(_Z, float(np.degrees(np.arctan2(heading[1], heading[0]))))
        place += level @ (ball - ankle) - foot @ (ball - ankle)
        place[2] += sole * (1.0 - np.cos(np.radians(leg.heel_up)))
    return place


def _leg_turns(
    body: Rest,
    leg: Leg,
    side: str,
    sign: float,
    hip: Points,
    pelvis: Matrix,
    ankle: Points,
    foot: Matrix,
    knee_down: bool,
) -> dict[str, Matrix]:
    """Return the turns of a leg whose hip is at `hip` (3) so that its ankle is at `ankle` (3)."""
    base = body.base
    thigh = body.head(f"lowerleg01.{side}") - body.head(f"upperleg01.{side}")
    shin = body.head(f"foot.{side}") - body.head(f"lowerleg01.{side}")
    upper, lower = float(np.linalg.norm(thigh)), float(np.linalg.norm(shin))
    toe_out = leg.toe_out + leg.knee_out
    # Upward too: the knee of somebody who sits rises.
    pole = turned(_Z, sign * toe_out) @ np.array([0.0, -1.0, 0.5])
    if knee_down:
        pole = np.array([0.0, -1.0, -0.2])
    knee, end = two_bones(hip, ankle, pole, upper, lower)
    # At rest the knee bends about the body's x axis; posed, across the plane of hip, knee, ankle.
    across = np.cross(pole, end - hip)
    across = across * (1.0 if across[0] > 0 else -1.0)
    world_thigh = aligned(thigh, np.array(_X), knee - hip, across)
    world_shin = aligned(shin, np.array(_X), end - knee, across)
    turns = {f"upperleg01.{side}": pelvis.T @ world_thigh}
    turns[f"lowerleg01.{side}"] = world_thigh.T @ world_shin
    turns[f"foot.{side}"] = world_shin.T @ foot
    if leg.heel_up and not knee_down:
        toes = body.head(f"toe3-1.{side}") - body.head(f"foot.{side}")
        natural = np.degrees(np.arctan2(sign * toes[0], -toes[1]))
        across_foot = turned(_Z, sign * natural) @ np.array(_X)
        bend = min(leg.heel_up, 45.0)
        for bone in base.bones:
            if bone.startswith("toe") and bone.endswith(f"-1.{side}"):
                turns[bone] = turned(across_foot, -bend)
    return turns


def _arm_turns(
    body: Rest, arm: Arm, side: str, sign: float, so_far: Stance, target: Points | None
) -> dict[str, Matrix]:
    """Return the turns of an arm; `target` (3) is where the wrist goes, None for directions."""
    base = body.base
    chest = so_far.rotations[base.bone["spine01"]]
    mirror = np.array([sign, -1.0, 1.0])  # outward, forward, up -> x, y, z

    def out_of(direction: tuple[float, float, float]) -> Points:
        return chest @ (np.array(direction) * mirror)

    shoulder_rest, elbow_rest = body.head(f"upperarm01.{side}"), body.head(f"lowerarm01.{side}")
    wrist_rest = body.head(f"wrist.{side}")
    bone_upper, bone_fore = elbow_rest - shoulder_rest, wrist_rest - elbow_rest
    upper, lower = float(np.linalg.norm(bone_upper)), float(np.linalg.norm(bone_fore))
    turns: dict[str, Matrix] = {}
    shoulder = so_far.place(base.bone[f"shoulder01.{side}"], shoulder_rest)
    if target is None:
        direction = out_of(arm.upper) / np.linalg.norm(arm.upper)
    else:
        middle, _ = two_bones(shoulder, target, out_of(arm.pole), upper, lower)
        direction = (middle - shoulder) / upper
    # A raised arm takes the shoulder with it.
    rise = float(np.degrees(np.arcsin(np.clip((chest.T @ direction)[2], -1.0, 1.0))))
    lift = turned(_Y, -sign * max(rise + 20.0, 0.0) * 0.28)
    turns[f"clavicle.{side}"] = lift
    clavicle = base.bone[f"clavicle.{side}"]
    parent = so_far.rotations[base.parents[clavicle]] @ lift
    pivot = so_far.place(base.parents[clavicle], body.heads[clavicle])
    shoulder = pivot + parent @ (shoulder_rest - body.heads[clavicle])
    if target is None:
        to_elbow = direction
        to_wrist = out_of(arm.fore) / np.linalg.norm(arm.fore)
    else:
        middle, end = two_bones(shoulder, target, out_of(arm.pole), upper, lower)
        to_elbow, to_wrist = middle - shoulder, end - middle
    hinge_rest = np.cross(bone_upper, bone_fore)
    hinge = np.cross(to_elbow, to_wrist)
    world_upper = aligned(bone_upper, hinge_rest, to_elbow, hinge)
    world_fore = aligned(bone_fore, hinge_rest, to_wrist, hinge)
    roll = turned(bone_fore, -sign * arm.roll / 2.0)
    turns[f"upperarm01.{side}"] = parent.T @ world_upper
    turns[f"lowerarm01.{side}"] = world_upper.T @ world_fore
    turns[f"lowerarm02.{side}"] = roll
    turns |= _hand_turns(body, arm, side, sign)
    turns[f"wrist.{side}"] = roll @ turns[f"wrist.{side}"]
    return turns


def _hand_turns(body: Rest, arm: Arm, side: str, sign: float) -> dict[str, Matrix]:
    """Return the turns of a wrist and its fingers."""
    index, little = body.head(f"finger2-1.{side}"), body.head(f"finger5-1.{side}")
    wrist = body.head(f"wrist.{side}")
    across = index - little
    across /= np.linalg.norm(across)
    palm = sign * np.cross(across, (index + little) / 2.0 - wrist)
    palm /= np.linalg.norm(palm)
    turns = {f"wrist.{side}": turned(across, sign * arm.flex)}
    for finger in range(2, 6):
        straight = arm.pointing and finger == 2
        curl = 0.05 if straight else arm.curl * (0.9 + 0.06 * finger)
        fan = turned(palm, sign * (3.5 - finger) * arm.spread)
        for joint, degrees in enumerate((62.0, 80.0, 50.0), start=1):
            bend = turned(across, sign * curl * degrees)
            turns[f"finger{finger}-{joint}.{side}"] = bend @ fan if joint == 1 else bend
    thumb = body.head(f"finger1-2.{side}") - body.head(f"finger1-1.{side}")
    thumb_hinge = np.cross(thumb, palm)
    thumb_hinge /= np.linalg.norm(thumb_hinge)
    for joint, degrees in ((2, 30.0), (3, 45.0)):
        turns[f"finger1-{joint}.{side}"] = turned(thumb_hinge, arm.curl * degrees)
    return turns


def _landmark(body: Rest, arm: Arm, side: str, sign: float, so_far: Stance) -> Points | None:
    """Return where the wrist goes (3), or None where the plan names directions."""
    if not arm.reach:
        return None
    base, heads = body.base, body.heads
    chest = so_far.rotations[base.bone["spine01"]]
    torso = base.weight("spine", "root", "pelvis", "upperleg")[:BODY_VERTICES] > 0.6
    skin = body.vertices[:BODY_VERTICES]
    arm_length = float(
        np.linalg.norm(body.head(f"wrist.{side}") - body.head(f"lowerarm01.{side}"))
        + np.linalg.norm(body.head(f"lowerarm01.{side}") - body.head(f"upperarm01.{side}"))
    )

    def rim(height: float, axis: int, toward: float) -> Points:
        """Return the outermost point of the trunk at a height."""
        level = torso & (np.abs(skin[:, 2] - height) < 0.02 * body.leg)
        row = np.flatnonzero(level)[(toward * skin[level, axis]).argmax()]
        return np.array(skin[row])

    hip, shoulder = body.head(f"upperleg01.{side}"), body.head(f"upperarm01.{side}")
    if arm.reach == "knee":
        knee = base.bone[f"lowerleg01.{side}"]
        anchor = so_far.place(knee, heads[knee])
    elif arm.reach == "chin":
        bone = base.bone["head"]
        point = heads[base.bone["jaw"]].copy()
        face = skin[base.weight("head", "jaw", "oris", "special")[:BODY_VERTICES] > 0.6]
        point[:] = (0.0, face[:, 1].min(), point[2])
        anchor = so_far.place(bone, point)
    else:
        if arm.reach == "waist":
            height = hip[2] + 0.16 * body.leg
            bone, point = base.bone["spine05"], rim(height, 0, sign)
            point[1] = hip[1] - 0.01
        elif arm.reach == "across":
            height = shoulder[2] - 0.29 * arm_length * 1.45
            bone, point = base.bone["spine02"], rim(height, 1, -1.0)
            point[0] = 0.0
        else:
            height = hip[2] + 0.10 * body.leg
            bone, point = base.bone["spine05"], rim(height, 1, 1.0)
            point[0] = 0.0
        anchor = so_far.place(bone, point)
    return anchor + chest @ (np.array(arm.offset) * np.array([sign, -1.0, 1.0]) * body.leg / 0.8)


def _lowest(body: Rest, at: Stance, *prefixes: str) -> float:
    """Return the lowest skin of some bones."""
    weight = body.base.weight(*prefixes)[:BODY_VERTICES]
    rows = np.flatnonzero(weight > 0.4)[::3]
    return float(skinned(at, body.base.weights[rows], body.vertices[rows])[:, 2].min())


def posed(body: Rest, plan: Plan, sole: float, cloth: float = 0.008) -> Stance:
    """Return where the bones are in a pose.

    Parameters
    ----------
    body
        The body at rest.
    plan
        The pose.
    sole
        How far the shoes lift the feet, metres.
    cloth
        Thickness of what lies between skin and ground where a body sits or kneels, metres.

    Returns
    -------
    Stance
        Planted soles lie on z = 0. The hips are as high as the shorter planted leg allows, less
        the plan's drop; a seat or a knee on the ground rests on it.
    """
    base = body.base
    pelvis = _bend(plan.hips, 1.0)
    turns: dict[str, Matrix] = {base.bones[0]: pelvis}
    for bone in _SPINE:
        turns[bone] = _bend(plan.spine, 1.0 / len(_SPINE))
    for bone in _NECK:
        turns[bone] = _bend(plan.head, 1.0 / len(_NECK))
    legs = {"L": plan.left, "R": plan.right}
    feet = {side: _foot_frame(body, legs[side], side, sign) for side, sign in _SIDES}
    ankles = {side: _ankle(body, legs[side], side, sign, feet[side], sole) for side, sign in _SIDES}
    pivot = body.heads[0]

    def hip(side: str, root: Points) -> Points:
        return pivot + root + pelvis @ (body.head(f"upperleg01.{side}") - pivot)

    centre = (body.head("upperleg01.L") + body.head("upperleg01.R")) / 2.0
    root = np.zeros(3)
    root[:2] = np.array([plan.shift[0], -plan.shift[1]]) * body.leg
    root[:2] -= (pivot + pelvis @ (centre - pivot))[:2]
    heights = []
    for side, _ in _SIDES:
        if not legs[side].planted:
            continue
        thigh = np.linalg.norm(body.head(f"lowerleg01.{side}") - body.head(f"upperleg01.{side}"))
        shin = np.linalg.norm(body.head(f"foot.{side}") - body.head(f"lowerleg01.{side}"))
        apart = np.linalg.norm((hip(side, root) - ankles[side])[:2])
        reach = 0.992 * (thigh + shin)
        if apart < reach:
            heights.append(ankles[side][2] + np.sqrt(reach**2 - apart**2) - hip(side, root)[2])
    root[2] = min(heights, default=0.0) - plan.drop * body.leg
    kneeling = [side for side, _ in _SIDES if legs[side].shin == "down"]
    rounds = 4 if plan.seated or kneeling else 1
    for _ in range(rounds):
        for side, sign in _SIDES:
            leg, ankle, foot = legs[side], ankles[side], feet[side]
            if leg.shin == "down":
                ankle, foot = _behind_knee(body, side, hip(side, root), sole)
            turns |= _leg_turns(
                body, leg, side, sign, hip(side, root), pelvis, ankle, foot, leg.shin == "down"
            )
        at = stance(base, body.heads, turns, root)
        if plan.seated:
            root[2] += cloth - _lowest(body, at, "pelvis", "upperleg01", "root")
        for side in kneeling:
            root[2] += cloth - _lowest(body, at, f"lowerleg01.{side}", f"upperleg02.{side}")
    at = stance(base, body.heads, turns, root)
    for side, sign in _SIDES:
        arm = plan.left_arm if side == "L" else plan.right_arm
        target = _landmark(body, arm, side, sign, at)
        turns |= _arm_turns(body, arm, side, sign, at, target)
    return stance(base, body.heads, turns, root)


def _behind_knee(body: Rest, side: str, hip: Points, sole: float) -> tuple[Points, Matrix]:
    """Return ankle and foot of a leg that kneels below its hip, the shin along the ground."""
    thigh = float(np.linalg.norm(body.head(f"lowerleg01.{side}") - body.head(f"upperleg01.{side}")))
    shin = body.head(f"foot.{side}") - body.head(f"lowerleg01.{side}")
    knee = hip + thigh * np.array([0.0, -0.12, -0.9928])
    # The toes are tucked under: the sole faces backward, its tip is on the ground.
    foot = turned(_X, 62.0)
    skin = body.vertices[feet_of(body.base)[side]] - body.head(f"foot.{side}")
    height = 1.15 * sole + 0.006 - float((skin @ foot.T)[:, 2].min())
    rise = float(np.clip((height - knee[2]) / np.linalg.norm(shin), -0.5, 0.7))
    backward = np.array([0.0, np.sqrt(1.0 - rise**2), rise])
    return knee + np.linalg.norm(shin) * backward, foot


def _in_foot(bone: str, side: str) -> bool:
    return bone.startswith(("foot", "toe")) and bone.endswith(f".{side}")


def feet_of(base: Base) -> dict[str, npt.NDArray[np.int64]]:
    """Return the skin of each foot: vertices that follow foot and toes."""
    return {
        side: np.flatnonzero(
            base.weight(*(name for name in base.bones if _in_foot(name, side)))[:BODY_VERTICES]
            > 0.5
        )
        for side, _ in _SIDES
    }
