"""The demo's rendered people, where Blender is at hand."""

from collections.abc import Callable
from pathlib import Path

from maskmill.synth.interpreter import NoBlenderError
from maskmill.synth.rendering import RenderReport, render
from maskmill.synth.scene import (
    AlphaTable,
    CameraTable,
    LightsTable,
    OccludersTable,
    PictureTable,
    Scene,
    SubjectTable,
)

SIZE, SAMPLES = 256, 16
SCENE = Scene(
    name="rendered",
    subject=SubjectTable(person=1.0),
    picture=PictureTable(denoise=True),
    camera=CameraTable(crops=[(0.25, 1.0), (0.45, 1.0), (0.6, 1.0)], depth_of_field=0.35),
    lights=LightsTable(count=(0, 2)),
    # They also go before photographs: what an occluder hides would be a hole there.
    occluders=OccludersTable(share=0.0),
    alpha=AlphaTable(foreground=True),
)


def write_rendered(
    folder: Path,
    *,
    count: int,
    seed: int,
    workers: int,
    progress: Callable[[int, int], None],
    say: Callable[[str], None],
) -> RenderReport | None:
    """Render people into a folder; what is there already stays.

    Parameters
    ----------
    folder : Path
    count, seed : int
        How many, and which.
    workers : int
        Processes that render at a time.
    progress : callable
        Called with how many are done, and of how many.
    say : callable
        Called with what the user should know.

    Returns
    -------
    RenderReport or None
        None where there is no Blender, which was said then.
    """
    try:
        return render(
            SCENE,
            folder,
            count=count,
            size=SIZE,
            samples=SAMPLES,
            seed=seed,
            workers=workers,
            progress=lambda outcome, done, total: progress(done, total),
        )
    except NoBlenderError as error:
        say(f"           no rendered people: {error}")
        return None
