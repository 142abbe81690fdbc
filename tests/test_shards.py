import pickle
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from procedural import Discs, MeanColour, Smallest, disc

import maskmill as mm
from maskmill.shards import Dataset, ShardWriter, strays, verify
from maskmill.shards.locate import locate


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shards") / "dataset"
    mm.run({"discs": (mm.Pipeline(Smallest(0.2)), Discs(150, per_partition=75))}, str(out))
    return out


@pytest.fixture
def dataset_copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "dataset"))


def write_discs(path: Path, count: int) -> None:
    with ShardWriter(path) as shard:
        for number in range(count):
            shard.write(disc(number))


def test_every_picture_is_one_read_away(tmp_path: Path):
    samples = [disc(number, size=8 + number % 40) for number in range(150)]
    with ShardWriter(tmp_path / "s.parquet") as shard:
        for sample in samples:
            shard.write(sample)
    file = (tmp_path / "s.parquet").read_bytes()
    table = pq.read_table(tmp_path / "s.parquet")
    metadata = pq.read_metadata(tmp_path / "s.parquet")
    assert metadata.num_row_groups == 3
    for name in ("image", "alpha"):
        lengths = table[f"{name}_length"].to_numpy()
        for offset, length, blob in zip(
            locate(metadata, name, lengths), lengths, table[name].to_pylist(), strict=True
        ):
            assert file[offset : offset + length] == blob


def test_a_file_of_another_tool_is_not_addressed_wrongly(tmp_path: Path):
    with ShardWriter(tmp_path / "s.parquet") as shard:
        shard.write(disc(1))
    table = pq.read_table(tmp_path / "s.parquet")
    pq.write_table(table, tmp_path / "rewritten.parquet", compression="snappy")
    metadata = pq.read_metadata(tmp_path / "rewritten.parquet")
    with pytest.raises(ValueError, match="rewritten by another tool"):
        locate(metadata, "image", table["image_length"].to_numpy())


def test_the_same_samples_give_the_same_bytes(tmp_path: Path):
    for name in ("a", "b"):
        write_discs(tmp_path / name, 70)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_shard_that_is_not_finished_leaves_nothing(tmp_path: Path):
    with pytest.raises(RuntimeError, match="stop"), ShardWriter(tmp_path / "s.parquet") as shard:  # noqa: PT012
        shard.write(disc(1))
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_more_leaves_nothing_and_says_so(tmp_path: Path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_discs(tmp_path / "s.parquet", 70)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class Half:
    """Sets an alpha of one half, tags and scores."""

    def __call__(self, sample: mm.Sample) -> mm.Sample:
        half = np.full((sample.height, sample.width), 0.5, np.float32)
        return sample.tagged("round").scored(roundness=1.0).with_alpha(half, "half", strength=0.5)


def test_what_goes_in_comes_out(tmp_path: Path):
    mm.run({"one": (mm.Pipeline(Half()), Discs(1, first=5))}, str(tmp_path / "dataset"))
    read = Dataset(tmp_path / "dataset").sample(disc(5).key)
    assert (read.source, read.origin, read.tags, read.scores) == (
        "one",
        "disc-0005",
        ("round",),
        {"roundness": 1.0},
    )
    assert [(step.stage, dict(step.values)) for step in read.history] == [
        ("half", {"strength": 0.5})
    ]
    assert np.array_equal(read.image, disc(5).image)
    assert np.unique(read.alpha) == np.float32(128 / 255)


def test_ordinary_tools_read_the_shards(written: Path):
    dataset = Dataset(written)
    tables = [pq.read_table(written / name) for name in dataset.info["shards"]]
    table = pa.concat_tables(tables)
    view = dataset.split()
    assert table["image"].to_pylist() == [view.read(row)[0] for row in range(len(view))]


def test_a_view_pickles_without_pixels_and_reads_the_same(written: Path):
    view = Dataset(written).split()
    view.read(0)
    copy = pickle.loads(pickle.dumps(view))  # noqa: S301  (made on the line itself)
    assert copy.read(3) == view.read(3)
    assert copy.fingerprint == view.fingerprint != view[1:].fingerprint


def test_slices_and_negative_indices_behave_like_a_list(written: Path):
    view = Dataset(written).split()
    assert view[-1].key == view.keys[-1]
    assert view[2:6:2].keys == view.keys[2:6:2]
    with pytest.raises(IndexError, match="must be below"):
        view[len(view)]


def test_more_shards_than_open_files_can_be_read(written: Path, monkeypatch: pytest.MonkeyPatch):
    from maskmill.shards.storage import LocalStorage

    monkeypatch.setattr(LocalStorage, "_MOST_OPEN", 0)
    view = Dataset(written).split()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for row in range(len(view)):
        view.read(row)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_sound_dataset_has_no_problem(written: Path):
    assert verify(written, decode=True) == []
    assert strays(written) == []


def test_one_changed_byte_in_a_picture_is_found_at_its_row(dataset_copy: Path):
    dataset = Dataset(dataset_copy)
    row = dataset.table().to_pylist()[7]
    path = dataset_copy / "shards" / row["shard"]
    data = bytearray(path.read_bytes())
    data[row["image_offset"] + row["image_length"] // 2] ^= 1
    path.write_bytes(data)
    problems = verify(dataset_copy)
    assert [problem.where.endswith(f"({row['key']})") for problem in problems] == [True]
    assert "have changed since they were written" in problems[0].what


def test_a_truncated_shard_is_found_and_refused(dataset_copy: Path):
    dataset = Dataset(dataset_copy)
    name = dataset.info["shards"][0]
    data = (dataset_copy / name).read_bytes()
    (dataset_copy / name).write_bytes(data[: len(data) // 2])
    assert [problem.where for problem in verify(dataset_copy)] == [name]
    view = dataset.split()
    last = max(
        (row for row, shard in enumerate(view.table["shard"].to_pylist()) if name.endswith(shard)),
    )
    with pytest.raises(OSError, match="is shorter than the index says"):
        view.read(last)


def test_a_missing_shard_is_found_and_a_stray_one_is_not_read(dataset_copy: Path):
    dataset = Dataset(dataset_copy)
    name = dataset.info["shards"][0]
    (dataset_copy / name).rename(dataset_copy / "shards/another.parquet")
    assert {problem.where for problem in verify(dataset_copy)} == {name}
    assert strays(dataset_copy) == ["shards/another.parquet"]


def test_a_folder_without_dataset_json_is_not_finished(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="run it again to finish it"):
        Dataset(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        Dataset(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("found", "remedy"), [("2", "install a newer maskmill"), ("null", "write the dataset again")]
)
def test_another_format_version_is_refused(dataset_copy: Path, found: str, remedy: str):
    info = (dataset_copy / "dataset.json").read_text()
    (dataset_copy / "dataset.json").write_text(info.replace('"format": 1', f'"format": {found}'))
    with pytest.raises(ValueError, match=remedy):
        Dataset(dataset_copy)


def test_an_unknown_split_names_the_known_ones(written: Path):
    with pytest.raises(ValueError, match="none: the recipe has no split"):
        Dataset(written).split("train")


def test_a_dataset_lives_behind_a_url_too():
    report = mm.run({"discs": (mm.Pipeline(), Discs(10))}, "memory://bucket/dataset")
    assert report.kept == 10
    dataset = Dataset("memory://bucket/dataset")
    assert dataset.split()[3].origin == "disc-0003"
    assert verify("memory://bucket/dataset") == []
    again = mm.run({"discs": (mm.Pipeline(), Discs(10))}, "memory://bucket/dataset")
    assert again.reused == again.partitions == 3


def test_features_stand_in_the_shard_as_columns(tmp_path: Path):
    with ShardWriter(tmp_path / "s.parquet", features=(MeanColour(),)) as shard:
        shard.write(disc(1))
    stored = pq.read_table(tmp_path / "s.parquet")["feature.mean_colour"].to_pylist()
    assert stored == [float(disc(1).image.mean())]


def test_sixteen_bit_alphas_are_written_on_request(tmp_path: Path):
    mm.run({"discs": (mm.Pipeline(), Discs(2))}, str(tmp_path / "d"), bits=16)
    sample = Dataset(tmp_path / "d").split()[0]
    assert sample.alpha_bytes is not None
    assert np.abs(sample.alpha - disc(0).alpha).max() < 1e-5


def test_histories_are_those_of_their_rows(tmp_path: Path):
    @dataclass(frozen=True)
    class Numbered:
        def __call__(self, sample: mm.Sample) -> mm.Sample:
            return sample.with_alpha(sample.alpha, "numbered", n=float(sample.origin[-4:]))

    sources = {"discs": (mm.Pipeline(Numbered()), Discs(140, per_partition=70))}
    mm.run(sources, tmp_path / "d")
    view = Dataset(tmp_path / "d").split()
    for row in (0, 69, 70, 3, 139, 65):
        sample = view[row]
        assert sample.history[0].values == {"n": float(sample.origin[-4:])}
