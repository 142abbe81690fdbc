"""A pipeline: stages in order, applied to one sample at a time."""

from dataclasses import dataclass

from .sample import Dropped, Sample
from .stage import Stage, name_of


@dataclass(frozen=True, init=False)
class Pipeline:
    """Stages in order; ``|`` appends one.

    A stage that drops a sample ends its way; an exception leaves with a note that names the stage
    and the sample.

    Examples
    --------
    >>> from maskmill.refine import Clean, Smooth
    >>> pipeline = Pipeline(Clean(preset="classic")) | Smooth()
    >>> len(pipeline.stages)
    2
    """

    stages: tuple[Stage, ...]

    def __init__(self, *stages: Stage) -> None:
        for stage in stages:
            if not callable(stage) or isinstance(stage, type):
                raise TypeError(f"a stage must be a callable instance, got {stage!r}")
        object.__setattr__(self, "stages", stages)

    def __or__(self, stage: Stage) -> "Pipeline":
        return Pipeline(*self.stages, stage)

    def __repr__(self) -> str:
        return f"Pipeline({', '.join(map(repr, self.stages))})"

    def __call__(self, sample: Sample) -> Sample | Dropped:
        """Return the sample as the last stage left it, or the first `Dropped`, with its stage."""
        for stage in self.stages:
            try:
                result = stage(sample)
            except Exception as error:
                error.add_note(f"in {name_of(stage)}: {stage!r} on {sample.origin or sample.key}")
                raise
            if isinstance(result, Dropped):
                return result if result.stage else _by(result, name_of(stage))
            if not isinstance(result, Sample):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(
                    f"a stage must return a Sample or a Dropped, got {result!r} from {stage!r}"
                )
            if (result.key, result.origin) != (sample.key, sample.origin):
                raise ValueError(
                    f"a stage must not change the key or the origin of a sample, {stage!r} did"
                )
            sample = result
        return sample


def _by(dropped: Dropped, stage: str) -> Dropped:
    return Dropped(dropped.sample, dropped.reason, dropped.values, dropped.origin, stage)
