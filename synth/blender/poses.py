"""Poses as plans: where feet stand, how the trunk bends, where hands go.

Lengths are shares of the leg (hip to ankle), angles degrees. A plan is turned into bones by
`grounding.posed`, which bends the legs so that the feet stand where the plan says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from .draws import Draws

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Leg:
    """Where a foot stands.

    Parameters
    ----------
    out, forward
        The ankle's place from the midline and from below the hips.
    toe_out
        How far the foot is turned outward.
    heel_up
        How far the heel is lifted, the ball staying on the ground; the toes stay flat.
    lift
        Height of the ball above the ground.
    knee_out
        How far the knee points outward of the foot.
    planted
        Whether the foot bears weight: the hips sink until a planted leg reaches the ground.
    shin
        "free", or "down" where the shin lies on the ground behind a kneeling knee.
    """

    out: float = 0.12
    forward: float = 0.0
    toe_out: float = 8.0
    heel_up: float = 0.0
    lift: float = 0.0
    knee_out: float = 0.0
    planted: bool = True
    shin: str = "free"


@dataclass(frozen=True)
class Arm:
    """Where an arm goes, in the frame of the chest.

    Parameters
    ----------
    upper, fore
        Directions of upper arm and forearm: outward, forward, up.
    reach
        A landmark for the wrist, which then decides both directions: "" for none, "waist",
        "chin", "knee", "across", "back".
    offset
        From the landmark to the wrist: outward, forward, up.
    pole
        Where the elbow points when the wrist reaches for something.
    roll
        How far the palm is turned forward.
    flex
        How far the wrist bends towards the palm.
    curl
        How far fingers are curled, 0 flat to 1 fist.
    spread
        How far fingers are spread, degrees each.
    pointing
        Whether the index finger stays straight.
    """

    upper: Triple = (0.16, -0.02, -1.0)
    fore: Triple = (0.10, 0.28, -1.0)
    reach: str = ""
    offset: Triple = (0.0, 0.0, 0.0)
    pole: Triple = (1.0, -0.6, -0.3)
    roll: float = 0.0
    flex: float = 0.0
    curl: float = 0.25
    spread: float = 2.0
    pointing: bool = False


@dataclass(frozen=True)
class Plan:
    """A pose.

    Parameters
    ----------
    standing
        Whether both soles are on the ground.
    drop
        How far the hips sink below what the legs allow.
    shift
        Where the hips are over the feet: to the left, forward.
    hips, spine, head
        Turns: bend forward, lean to the left, twist to the left. The head's follow the spine's.
    seated
        Whether the seat rests on the ground.
    folded
        Whether the body bends so far at the hips that long tops would bunch.
    left, right
        Legs.
    left_arm, right_arm
        Arms.
    """

    standing: bool = True
    drop: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    hips: Triple = (0.0, 0.0, 0.0)
    spine: Triple = (0.0, 0.0, 0.0)
    head: Triple = (0.0, 0.0, 0.0)
    seated: bool = False
    folded: bool = False
    left: Leg = field(default_factory=Leg)
    right: Leg = field(default_factory=Leg)
    left_arm: Arm = field(default_factory=Arm)
    right_arm: Arm = field(default_factory=Arm)

    def mirrored(self) -> "Plan":
        """Return the plan with left and right exchanged."""

        def over(turn: Triple) -> Triple:
            return (turn[0], -turn[1], -turn[2])

        return replace(
            self,
            shift=(-self.shift[0], self.shift[1]),
            hips=over(self.hips),
            spine=over(self.spine),
            head=over(self.head),
            left=self.right,
            right=self.left,
            left_arm=self.right_arm,
            right_arm=self.left_arm,
        )


def _hanging(draws: Draws, side: str) -> Arm:
    swing = draws.uniform(f"{side} swing", -0.06, 0.10)
    return Arm(
        upper=(draws.uniform(f"{side} out", 0.15, 0.26), swing - 0.04, -1.0),
        fore=(
            draws.uniform(f"{side} in", 0.02, 0.12),
            swing + draws.uniform(side, 0.15, 0.4),
            -1.0,
        ),
        roll=draws.uniform(f"{side} roll", 10, 35),
        curl=draws.uniform(f"{side} curl", 0.2, 0.45),
    )


def _upright(draws: Draws) -> Plan:
    """Return somebody who stands on both feet with hanging arms, no two alike."""
    width = draws.uniform("width", 0.10, 0.17)
    stagger = draws.uniform("stagger", -0.03, 0.03)
    return Plan(
        hips=(draws.uniform("tilt", -2, 2), 0.0, draws.uniform("hip twist", -5, 5)),
        spine=(
            draws.uniform("bend", -2, 5),
            draws.uniform("lean", -2, 2),
            draws.uniform("twist", -7, 7),
        ),
        head=(
            draws.uniform("nod", -6, 8),
            draws.uniform("cant", -6, 6),
            draws.uniform("look", -22, 22),
        ),
        left=Leg(out=width, forward=stagger, toe_out=draws.uniform("left toe", 3, 14)),
        right=Leg(out=width, forward=-stagger, toe_out=draws.uniform("right toe", 3, 14)),
        left_arm=_hanging(draws, "left"),
        right_arm=_hanging(draws, "right"),
    )


def _relaxed(draws: Draws) -> Plan:
    return _upright(draws)


def _contrapposto(draws: Draws) -> Plan:
    plan = _upright(draws)
    tilt = draws.uniform("hip", 3, 6)
    return replace(
        plan,
        shift=(0.07, 0.0),
        hips=(0.0, -tilt, plan.hips[2]),
        spine=(plan.spine[0], 1.4 * tilt, plan.spine[2]),
        left=replace(plan.left, out=0.07),
        right=Leg(
            out=draws.uniform("free out", 0.16, 0.24),
            forward=draws.uniform("free forward", 0.03, 0.16),
            toe_out=draws.uniform("free toe", 14, 30),
            knee_out=-8,
        ),
    )


_ON_WAIST = Arm(
    reach="waist", offset=(0.075, 0.0, 0.01), pole=(1.0, -0.45, 0.0), roll=-25, flex=42, curl=0.3
)


def _hand_on_hip(draws: Draws) -> Plan:
    return replace(_contrapposto(draws), left_arm=_ON_WAIST)


def _hands_on_hips(draws: Draws) -> Plan:
    plan = _upright(draws)
    wide = draws.uniform("stand", 0.14, 0.24)
    return replace(
        plan,
        left=replace(plan.left, out=wide),
        right=replace(plan.right, out=wide),
        left_arm=_ON_WAIST,
        right_arm=_ON_WAIST,
    )


def _arms_crossed(draws: Draws) -> Plan:
    return replace(
        _upright(draws) if draws.chance("even", 0.5) else _contrapposto(draws),
        left_arm=Arm(
            reach="across", offset=(-0.045, 0.125, 0.0), pole=(0.8, 0.1, -1), roll=-65, curl=0.3
        ),
        right_arm=Arm(
            reach="across", offset=(-0.035, 0.062, -0.045), pole=(0.8, 0.0, -1), roll=-50, curl=0.3
        ),
    )


def _hands_behind(draws: Draws) -> Plan:
    behind = Arm(reach="back", offset=(0.05, -0.06, 0.0), pole=(1.0, -0.5, 0.1), roll=30, curl=0.3)
    return replace(
        _upright(draws), left_arm=behind, right_arm=replace(behind, offset=(0.02, -0.10, -0.05))
    )


def _waving(draws: Draws) -> Plan:
    return replace(
        _upright(draws),
        left_arm=Arm(
            upper=(1.0, 0.25, draws.uniform("raise", -0.35, 0.25)),
            fore=(draws.uniform("wave", -0.1, 0.35), 0.25, 1.0),
            curl=0.08,
            spread=7,
        ),
    )


def _pointing(draws: Draws) -> Plan:
    aside = draws.uniform("aside", 0.1, 1.1)
    plan = _upright(draws)
    return replace(
        plan,
        head=(plan.head[0], 0.0, 20.0 * aside),
        left_arm=Arm(
            upper=(aside, 0.9, -0.12),
            fore=(aside, 1.0, draws.uniform("height", 0.0, 0.35)),
            curl=0.8,
            pointing=True,
            roll=-30,
        ),
    )


def _reaching_up(draws: Draws) -> Plan:
    return replace(
        _upright(draws),
        spine=(-4.0, -6.0, 0.0),
        head=(-18.0, 0.0, 8.0),
        left_arm=Arm(upper=(0.28, 0.25, 1.0), fore=(0.05, 0.3, 1.0), curl=0.1, spread=5),
    )


def _cheering(draws: Draws) -> Plan:
    spread = draws.uniform("spread", 0.4, 0.9)
    fist = 0.95 if draws.chance("fists", 0.5) else 0.1
    arm = Arm(upper=(spread + 0.2, 0.15, 0.75), fore=(spread - 0.2, 0.15, 1.0), curl=fist, spread=6)
    return replace(
        _upright(draws),
        spine=(-5.0, 0.0, 0.0),
        head=(-8.0, 0.0, 0.0),
        left_arm=arm,
        right_arm=replace(arm, upper=(spread + 0.1, 0.2, 0.85)),
    )


def _looking_at_phone(draws: Draws) -> Plan:
    plan = _contrapposto(draws)
    return replace(
        plan,
        head=(22.0, 0.0, 8.0),
        left_arm=Arm(upper=(0.18, 0.18, -1.0), fore=(-0.3, 1.0, 0.45), roll=75, curl=0.45),
    )


def _thinking(draws: Draws) -> Plan:
    plan = _upright(draws)
    return replace(
        plan,
        head=(6.0, 0.0, 6.0),
        left_arm=Arm(
            reach="chin", offset=(0.02, 0.09, -0.15), pole=(0.5, 0.2, -1), roll=-10, curl=0.55
        ),
        right_arm=Arm(
            reach="across", offset=(-0.06, 0.07, -0.09), pole=(0.7, 0.0, -1), roll=0, curl=0.3
        ),
    )


def _wide_stance(draws: Draws) -> Plan:
    wide = draws.uniform("stance", 0.24, 0.36)
    plan = _upright(draws)
    return replace(
        plan,
        left=Leg(out=wide, toe_out=18),
        right=Leg(out=wide, toe_out=18),
        left_arm=replace(plan.left_arm, upper=(0.42, 0.0, -1.0), fore=(0.28, 0.25, -1.0)),
        right_arm=replace(plan.right_arm, upper=(0.42, 0.0, -1.0), fore=(0.28, 0.25, -1.0)),
    )


def _leaning(draws: Draws) -> Plan:
    """Return somebody who bends forward with hands on the thighs, as if to look at something."""
    plan = _upright(draws)
    hand = Arm(reach="knee", offset=(0.02, 0.05, 0.13), pole=(1.0, -0.3, 0.2), roll=-30, flex=-15)
    return replace(
        plan,
        folded=True,
        drop=0.07,
        shift=(0.0, -0.16),
        hips=(34.0, 0.0, 0.0),
        spine=(16.0, 0.0, 0.0),
        head=(-30.0, 0.0, plan.head[2]),
        left=replace(plan.left, out=0.18),
        right=replace(plan.right, out=0.18),
        left_arm=hand,
        right_arm=hand,
    )


def _walking(draws: Draws) -> Plan:
    stride = draws.uniform("stride", 0.2, 0.38)
    swing = 1.2 * stride
    plan = _upright(draws)
    return replace(
        plan,
        standing=False,
        hips=(2.0, 0.0, -6.0),
        spine=(2.0, 0.0, 9.0),
        head=(plan.head[0], 0.0, plan.head[2] / 2),
        left=Leg(out=0.075, forward=stride, toe_out=6),
        right=Leg(out=0.075, forward=-stride, toe_out=6, heel_up=28 + 40 * stride),
        left_arm=Arm(upper=(0.2, -swing, -1.0), fore=(0.12, 0.25 - swing, -1.0), curl=0.4),
        right_arm=Arm(upper=(0.2, 0.7 * swing, -1.0), fore=(0.02, 0.5 + swing, -1.0), curl=0.4),
    )


def _stepping(draws: Draws) -> Plan:
    """Return the middle of a step: one foot in the air."""
    plan = _upright(draws)
    return replace(
        plan,
        standing=False,
        hips=(2.0, -2.0, 3.0),
        spine=(3.0, 2.0, -6.0),
        left=Leg(out=0.06, forward=-0.03),
        right=Leg(
            out=0.08,
            forward=-draws.uniform("behind", 0.12, 0.3),
            heel_up=40,
            lift=0.12,
            planted=False,
        ),
        left_arm=Arm(upper=(0.2, 0.1, -1.0), fore=(0.06, 0.4, -1.0), curl=0.4),
        right_arm=Arm(upper=(0.2, -0.12, -1.0), fore=(0.1, 0.15, -1.0), curl=0.4),
    )


def _running(draws: Draws) -> Plan:
    plan = _upright(draws)
    back = Arm(upper=(0.35, -0.75, -0.8), fore=(0.05, 0.75, -0.7), curl=0.8)
    fore = Arm(upper=(0.25, 0.45, -0.9), fore=(-0.3, 0.75, 0.75), curl=0.8)
    return replace(
        plan,
        standing=False,
        drop=0.03,
        hips=(10.0, 0.0, -8.0),
        spine=(5.0, 0.0, 14.0),
        head=(-8.0, 0.0, -4.0),
        left=Leg(
            out=0.06, forward=draws.uniform("knee", 0.2, 0.32), lift=0.36, heel_up=10, planted=False
        ),
        right=Leg(out=0.05, forward=-0.36, toe_out=3, heel_up=48),
        left_arm=back,
        right_arm=fore,
    )


def _crouching(draws: Draws) -> Plan:
    hand = Arm(reach="knee", offset=(-0.03, 0.06, 0.03), pole=(1.0, 0.0, -0.2), roll=-85, flex=25)
    return Plan(
        standing=False,
        folded=True,
        drop=draws.uniform("deep", 0.50, 0.58),
        shift=(0.0, -0.14),
        hips=(28.0, 0.0, 0.0),
        spine=(20.0, 0.0, draws.uniform("twist", -8, 8)),
        head=(-26.0, 0.0, draws.uniform("look", -20, 20)),
        left=Leg(out=0.17, forward=0.05, toe_out=16, knee_out=10),
        right=Leg(out=0.17, forward=-0.06, toe_out=16, knee_out=10, heel_up=24),
        left_arm=hand,
        right_arm=hand,
    )


def _kneeling(draws: Draws) -> Plan:
    plan = _upright(draws)
    return replace(
        plan,
        standing=False,
        folded=True,
        hips=(4.0, 0.0, 0.0),
        spine=(8.0, 0.0, 5.0),
        left=Leg(out=0.15, forward=0.48, toe_out=6, knee_out=4),
        right=Leg(out=0.10, shin="down", planted=False),
        left_arm=Arm(
            reach="knee", offset=(-0.02, -0.02, 0.10), pole=(1, -0.5, 0), roll=-60, flex=20
        ),
    )


def _sitting(draws: Draws) -> Plan:
    plan = _upright(draws)
    near = draws.uniform("near", 0.62, 0.80)
    hand = Arm(reach="knee", offset=(-0.02, -0.02, 0.07), pole=(1.0, -0.2, -0.4), roll=-85, flex=30)
    return replace(
        plan,
        standing=False,
        folded=True,
        seated=True,
        hips=(-12.0, 0.0, 0.0),
        spine=(30.0, 0.0, draws.uniform("twist", -6, 6)),
        head=(-12.0, plan.head[1], plan.head[2]),
        left=Leg(out=0.15, forward=near, toe_out=8, knee_out=6),
        right=Leg(
            out=0.15, forward=near - draws.uniform("far", -0.08, 0.14), toe_out=8, knee_out=6
        ),
        left_arm=hand,
        right_arm=hand,
    )


_PLANS: Mapping[str, Callable[[Draws], Plan]] = {
    "relaxed": _relaxed,
    "contrapposto": _contrapposto,
    "hand_on_hip": _hand_on_hip,
    "hands_on_hips": _hands_on_hips,
    "arms_crossed": _arms_crossed,
    "hands_behind": _hands_behind,
    "waving": _waving,
    "pointing": _pointing,
    "reaching_up": _reaching_up,
    "cheering": _cheering,
    "looking_at_phone": _looking_at_phone,
    "thinking": _thinking,
    "wide_stance": _wide_stance,
    "leaning": _leaning,
    "walking": _walking,
    "stepping": _stepping,
    "running": _running,
    "crouching": _crouching,
    "kneeling": _kneeling,
    "sitting": _sitting,
}


def plan(name: str, draws: Draws) -> Plan:
    """Return a pose by name, with its small differences drawn.

    Parameters
    ----------
    name
        One of `catalogue.POSES`.
    draws
        The draws of the subject.

    Returns
    -------
    Plan
        Mirrored in half of the cases.

    Raises
    ------
    ValueError
        For a name that is no pose.

    Examples
    --------
    >>> plan("sitting", Draws(1)).seated
    True
    """
    if name not in _PLANS:
        raise ValueError(f"pose must be one of {', '.join(_PLANS)}, got {name!r}")
    made = _PLANS[name](draws)
    return made.mirrored() if draws.chance("mirrored", 0.5) else made
