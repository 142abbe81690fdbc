from dataclasses import dataclass, replace

import pytest
from procedural import FailsOn, Identity, Smallest, disc

from maskmill import Pipeline
from maskmill.sample import Dropped, Sample
from maskmill.stage import describe, digest_of, name_of


def test_stages_run_in_the_order_they_were_written():
    @dataclass(frozen=True)
    class Tag:
        word: str

        def __call__(self, sample: Sample) -> Sample:
            return sample.tagged(self.word)

    pipeline = Pipeline(Tag("a")) | Tag("b") | Tag("c")
    result = pipeline(disc(1))
    assert isinstance(result, Sample)
    assert result.tags == ("a", "b", "c")


def test_a_drop_ends_the_way_and_names_its_stage():
    result = (Pipeline(Smallest(0.99)) | FailsOn("disc-0001"))(disc(1))
    assert isinstance(result, Dropped)
    assert (result.stage, result.reason) == ("smallest", "too_small")
    assert result.values["coverage"] < 0.99


def test_an_error_carries_the_stage_and_the_sample():
    with pytest.raises(ZeroDivisionError) as caught:
        Pipeline(FailsOn())(disc(3))
    assert caught.value.__notes__ == [
        "in fails_on: FailsOn(origin='disc-0003', cure='') on disc-0003"
    ]


def test_a_stage_that_returns_nothing_is_told_so():
    with pytest.raises(TypeError, match="must return a Sample or a Dropped, got None"):
        Pipeline(lambda sample: None)(disc(1))  # pyright: ignore[reportArgumentType]


def test_a_stage_must_not_change_the_key():
    with pytest.raises(ValueError, match="must not change the key or the origin"):
        Pipeline(lambda sample: replace(sample, key="0" * 32))(disc(1))


def test_a_class_instead_of_an_instance_is_refused():
    with pytest.raises(TypeError, match="must be a callable instance"):
        Pipeline(Identity)  # pyright: ignore[reportArgumentType]


def test_the_description_of_a_stage_is_its_parameters():
    assert describe(Smallest(0.25)) == {
        "use": "smallest",
        "class": "procedural:Smallest",
        "coverage": 0.25,
    }
    assert name_of(FailsOn()) == "fails_on"


def test_the_digest_changes_with_a_parameter_and_with_nothing_else():
    assert digest_of(describe(Smallest(0.2))) == digest_of(describe(Smallest(0.2)))
    assert digest_of(describe(Smallest(0.2))) != digest_of(describe(Smallest(0.3)))


def test_a_stage_that_cannot_be_fingerprinted_is_refused():
    with pytest.raises(TypeError, match="must be a frozen dataclass"):
        describe(lambda sample: sample)

    @dataclass(frozen=True)
    class HoldsAnObject:
        model: object

    with pytest.raises(TypeError, match="must be a plain value"):
        describe(HoldsAnObject(object()))
