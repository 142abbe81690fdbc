import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest
from dask_processes import scheduler_and_workers
from procedural import Discs, FailsOn, Identity, MeanColour, Slow, Smallest, disc, tree
from slow_run import SOURCES

import maskmill as mm
from maskmill.executors import PartitionFailedError
from maskmill.lease import LEASE, DatasetBusyError, lease
from maskmill.shards import Dataset, open_storage, verify
from maskmill.stage import Feature

PIPELINE = mm.Pipeline(FailsOn()) | Smallest(0.2)
WHOLE = {"discs": (PIPELINE, Discs(20, empty=7)), "more": (mm.Pipeline(), Discs(9, first=50))}
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("serial") / "dataset"
    mm.run(WHOLE, str(out))
    return out


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """A scheduler and two workers, each a process of its own."""
    with scheduler_and_workers(tmp_path) as address:
        yield address


def test_the_funnel_adds_up(serial: Path):
    report = mm.run(WHOLE, str(serial))
    counts = report.counts["discs"]
    assert counts["read"] == 20
    assert counts["dropped"]["source"] == {"missing_file": 3}
    assert counts["failed"] == {"fails_on": {"ZeroDivisionError": 1}}
    assert report.read == report.kept + report.dropped + report.failed == 29
    assert verify(serial, decode=True) == []


def test_every_item_is_in_the_index_or_in_the_ledger_once(serial: Path):
    dataset = Dataset(serial)
    items = dataset.table().select(["source", "origin"]).to_pylist()
    items += dataset.ledger().select(["source", "origin"]).to_pylist()
    found = sorted((item["source"], item["origin"]) for item in items)
    expected = [("discs", f"disc-{n:04d}") for n in range(20)]
    assert found == expected + [("more", f"disc-{n:04d}") for n in range(50, 59)]


def test_a_failure_keeps_its_traceback_and_the_run_goes_on(serial: Path):
    failed = [row for row in Dataset(serial).ledger().to_pylist() if row["kind"] == "failed"]
    assert [(row["origin"], row["stage"], row["reason"]) for row in failed] == [
        ("disc-0003", "fails_on", "ZeroDivisionError")
    ]
    assert "this stage cannot take discs" in failed[0]["detail"]
    assert "in fails_on: FailsOn(origin='disc-0003', cure='') on disc-0003" in failed[0]["detail"]


def test_a_local_cluster_writes_the_same_bytes(serial: Path, tmp_path: Path):
    environment = dict(os.environ)  # of which PyTorch, imported later, takes its threads
    mm.run(WHOLE, str(tmp_path / "dataset"), workers=2)
    assert dict(os.environ) == environment
    assert tree(tmp_path / "dataset") == tree(serial)


def test_a_running_scheduler_writes_the_same_bytes(serial: Path, tmp_path: Path, scheduler: str):
    from distributed import Client

    with Client(scheduler, timeout="30s") as client:
        client.wait_for_workers(2, timeout=60)
        mm.run(WHOLE, str(tmp_path / "dataset"), client=client)
    assert tree(tmp_path / "dataset") == tree(serial)


def test_a_second_run_does_nothing(serial: Path):
    before = {path: path.stat().st_mtime_ns for path in serial.rglob("*.*")}
    report = mm.run(WHOLE, str(serial))
    assert report.reused == report.partitions == 8
    assert before == {path: path.stat().st_mtime_ns for path in serial.rglob("*.*")}


def test_a_changed_parameter_reuses_nothing_of_that_pipeline_and_all_of_the_other(
    serial: Path, tmp_path: Path
):
    out = tmp_path / "dataset"
    mm.run(WHOLE, str(out))
    changed = WHOLE | {"discs": (mm.Pipeline(FailsOn()) | Smallest(0.21), WHOLE["discs"][1])}
    report = mm.run(changed, str(out))
    assert report.reused == 3
    # The files of the dataset that stood there go with the run after: its readers outlive one run.
    mm.run(changed, str(out))
    fresh = tmp_path / "fresh"
    mm.run(changed, str(fresh))
    assert tree(out) == tree(fresh)


@pytest.mark.parametrize("workers", [None, 2])
def test_a_killed_run_continues_to_the_same_bytes(tmp_path: Path, workers: int | None):
    undisturbed, killed, diary = tmp_path / "a", tmp_path / "b", tmp_path / "diary"
    mm.run(SOURCES, str(undisturbed))
    command = [sys.executable, str(HERE / "slow_run.py"), str(killed)]
    environment = os.environ | {"PYTHONPATH": str(HERE), Slow.diary: str(diary)}
    process = subprocess.Popen(
        [*command, *([str(workers)] if workers else [])], env=environment, stderr=subprocess.DEVNULL
    )
    while len(list(killed.glob("shards/discs-*"))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "dataset.json").exists()
    assert (killed / LEASE).exists()

    report = mm.run(SOURCES, str(killed), workers=workers)
    assert report.reused >= 2
    assert tree(killed) == tree(undisturbed)
    assert mm.run(SOURCES, str(killed)).reused == 8


def test_ctrl_c_stops_a_local_cluster_without_tracebacks_of_its_workers(tmp_path: Path):
    out = tmp_path / "dataset"
    process = subprocess.Popen(
        [sys.executable, str(HERE / "slow_run.py"), str(out), "2"],
        env=os.environ | {"PYTHONPATH": str(HERE)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background ignores it, and so would the run.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list(out.glob("shards/discs-*")):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process
    _, error = process.communicate()
    assert error.rstrip().endswith("KeyboardInterrupt")
    assert "in _bootstrap" not in error
    assert mm.run(SOURCES, str(out)).reused >= 1


def test_fully_dropped_partitions_are_reused(tmp_path: Path):
    none = {"none": (mm.Pipeline(Smallest(0.99)), Discs(8))}
    assert mm.run(none, str(tmp_path / "d")).kept == 0
    report = mm.run(none, str(tmp_path / "d"))
    assert (report.reused, report.kept, report.dropped) == (2, 0, 8)


def test_a_living_writer_keeps_others_out(tmp_path: Path):
    with lease(open_storage(tmp_path)), pytest.raises(DatasetBusyError, match="wait for it"):
        mm.run(WHOLE, str(tmp_path))
    assert not (tmp_path / LEASE).exists()


def test_a_holder_on_another_host_is_dead_when_its_heart_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import json

    record = {"holder": "ann@far", "host": "far", "pid": 1, "token": "t", "beat": time.time() - 5}
    (tmp_path / LEASE).write_text(json.dumps(record))
    with pytest.raises(DatasetBusyError, match="ann@far"), lease(open_storage(tmp_path)):
        pass
    record["beat"] = time.time() - 100
    (tmp_path / LEASE).write_text(json.dumps(record))
    with lease(open_storage(tmp_path)):
        assert "ann@far" not in (tmp_path / LEASE).read_text()


def test_a_writer_whose_lease_was_taken_does_not_pretend_to_have_finished(tmp_path: Path):
    with pytest.raises(DatasetBusyError, match="taken over"), lease(open_storage(tmp_path)):
        (tmp_path / LEASE).write_text('{"holder": "ben", "token": "other"}')
    assert "ben" in (tmp_path / LEASE).read_text()


def test_the_first_of_equal_keys_wins_and_the_other_is_in_the_ledger(tmp_path: Path):
    sources = {"a": (mm.Pipeline(), Discs(6)), "b": (mm.Pipeline(), Discs(6, first=4))}
    report = mm.run(sources, str(tmp_path / "d"))
    assert report.counts["b"]["dropped"] == {"run": {"duplicate_key": 2}}
    dataset = Dataset(tmp_path / "d")
    repeated = [row for row in dataset.ledger().to_pylist() if row["reason"] == "duplicate_key"]
    assert [(row["source"], row["origin"], row["detail"]) for row in repeated] == [
        ("b", "disc-0004", "the same as a disc-0004"),
        ("b", "disc-0005", "the same as a disc-0005"),
    ]
    assert len(dataset) == 10
    assert verify(tmp_path / "d") == []


@dataclass(frozen=True)
class Dark:
    """Marks dark pictures as unused, by a declared feature."""

    limit: float = 120
    features: ClassVar[tuple[Feature, ...]] = (MeanColour(),)

    def __call__(self, table: pa.Table) -> pa.Table:
        rows = table.select(["key", "feature.mean_colour"]).to_pylist()
        dark = [row["key"] for row in rows if row["feature.mean_colour"] < self.limit]
        return pa.table({"key": dark, "status": pa.array(["unused"] * len(dark), pa.string())})


def test_a_table_stage_decides_by_the_features_it_declared(tmp_path: Path):
    mm.run({"discs": (mm.Pipeline(), Discs(12))}, str(tmp_path / "d"), finish=[Dark()])
    dataset = Dataset(tmp_path / "d")
    expected = [float(disc(n).image.mean()) < 120 for n in range(12)]
    assert [status == "unused" for status in dataset.table()["status"].to_pylist()] == expected
    assert len(dataset.split()) == 12 - sum(expected)


def test_a_table_stage_changes_no_shard(tmp_path: Path):
    sources = {"discs": (mm.Pipeline(), Discs(12))}
    mm.run(sources, str(tmp_path / "d"), finish=[Dark(0)])
    before = tree(tmp_path / "d")
    report = mm.run(sources, str(tmp_path / "d"), finish=[Dark(255)])
    after = tree(tmp_path / "d")
    assert report.reused == 3
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"dataset.json", "index.parquet"}


def test_a_table_stage_decides_only_what_it_may(tmp_path: Path):
    @dataclass(frozen=True)
    class Meddles:
        column: str
        value: str
        features: ClassVar[tuple[()]] = ()

        def __call__(self, table: pa.Table) -> pa.Table:
            return pa.table({"key": table["key"], self.column: [self.value] * table.num_rows})

    sources = {"discs": (mm.Pipeline(), Discs(3))}
    with pytest.raises(ValueError, match="must return a table of key and group, split, status"):
        mm.run(sources, str(tmp_path / "d"), finish=[Meddles("origin", "x")])
    with pytest.raises(ValueError, match="status must be one of kept, duplicate"):
        mm.run(sources, str(tmp_path / "d"), finish=[Meddles("status", "lovely")])


def test_a_split_that_a_source_fixed_is_recorded_and_parts_no_group(tmp_path: Path):
    fixed = {"a": (mm.Pipeline(), Discs(6, groups=2, split="train"))}
    mm.run(fixed, str(tmp_path / "d"))
    assert len(Dataset(tmp_path / "d").split("train")) == 6
    parted = fixed | {"b": (mm.Pipeline(), Discs(6, first=10, groups=2, split="val"))}
    with pytest.raises(ValueError, match="must stay in split 'train', which splits/ records"):
        mm.run(parted, str(tmp_path / "d"))


def test_a_source_that_loses_items_is_caught_and_the_rest_is_kept(tmp_path: Path):
    @dataclass(frozen=True)
    class Loses(Discs):
        def read(self, partition: mm.source.Partition):  # pyright: ignore
            items = list(super().read(partition))
            yield from items[1:] if partition.items[0] == 4 else items

    with pytest.raises(PartitionFailedError, match="1 of 5 partitions failed") as caught:
        mm.run({"discs": (mm.Pipeline(), Loses())}, str(tmp_path / "d"))
    assert "planned 4 items" in str(caught.value)
    assert len(list((tmp_path / "d/shards").iterdir())) == 4
    assert not (tmp_path / "d/dataset.json").exists()


@pytest.mark.parametrize(
    ("sources", "error", "message"),
    [
        ({}, ValueError, "at least one"),
        ({"Bad-Name": WHOLE["more"]}, ValueError, "must be snake_case"),
        ({"a": (Discs(), mm.Pipeline())}, TypeError, r"must be a \(Pipeline, Source\)"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_written(
    tmp_path: Path, sources: dict, error: type[Exception], message: str
):
    with pytest.raises(error, match=message):
        mm.run(sources, str(tmp_path / "d"))
    assert not (tmp_path / "d").exists()


def test_a_sample_without_alpha_is_dropped_by_the_writer(tmp_path: Path):
    from dataclasses import replace

    @dataclass(frozen=True)
    class Bare(Discs):
        def read(self, partition: mm.source.Partition):  # pyright: ignore
            for item in super().read(partition):
                assert isinstance(item, mm.Sample)
                yield replace(item, _alpha=None)

    report = mm.run({"bare": (mm.Pipeline(Identity()), Bare(4))}, str(tmp_path / "d"))
    assert report.counts["bare"]["dropped"] == {"writer": {"no_alpha": 4}}


def test_a_source_must_not_part_a_group(tmp_path: Path):
    sources = {
        "a": (mm.Pipeline(), Discs(6, groups=2, split="train")),
        "b": (mm.Pipeline(), Discs(6, first=10, groups=2, split="val")),
    }
    with pytest.raises(ValueError, match="must not part a group"):
        mm.run(sources, str(tmp_path / "d"))


def test_a_folder_of_somebody_elses_is_refused_and_left_alone(tmp_path: Path):
    for name in ("shards/mine.tar", "dropped/notes.txt", ".tmp-draft.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match="must be an empty or new folder, or a dataset"):
        mm.run(WHOLE, tmp_path)
    assert len(tree(tmp_path)) == 3


def test_foreign_files_in_a_dataset_survive_its_runs(tmp_path: Path):
    mm.run({"discs": (mm.Pipeline(), Discs(4))}, tmp_path / "d")
    names = ("shards/mine.tar", "dropped/notes.txt", ".tmp-draft.txt", "verdicts/x")
    for name in names:
        (tmp_path / "d" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "d" / name).write_text("mine")
    mm.run({"discs": (mm.Pipeline(Identity()), Discs(4))}, tmp_path / "d")
    mm.run({"discs": (mm.Pipeline(Identity(2)), Discs(4))}, tmp_path / "d")
    assert all((tmp_path / "d" / name).read_text() == "mine" for name in names)


def test_a_dataset_of_another_format_is_refused_and_left_alone(tmp_path: Path):
    sources = {"discs": (mm.Pipeline(), Discs(4))}
    mm.run(sources, tmp_path / "d")
    info = tmp_path / "d/dataset.json"
    info.write_text(info.read_text().replace('"format": 1', '"format": 2'))
    before = tree(tmp_path / "d")
    with pytest.raises(ValueError, match="install a newer maskmill"):
        mm.run({"discs": (mm.Pipeline(Identity()), Discs(4))}, tmp_path / "d")
    assert tree(tmp_path / "d") == before


def test_a_run_stopped_between_index_and_dataset_json_is_noticed_and_mended(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    mm.run({"discs": (mm.Pipeline(), Discs(4))}, one)
    mm.run({"discs": (mm.Pipeline(), Discs(6))}, two)
    (one / "index.parquet").write_bytes((two / "index.parquet").read_bytes())
    with pytest.raises(ValueError, match="of different runs"):
        Dataset(one)
    mm.run({"discs": (mm.Pipeline(), Discs(6))}, one)
    assert len(Dataset(one)) == 6


def test_failures_are_tried_again_when_asked(tmp_path: Path):
    fails = {"discs": (mm.Pipeline(FailsOn("disc-0003", os.fspath(tmp_path / "cured"))), Discs(8))}
    assert mm.run(fails, tmp_path / "d").failed == 1
    (tmp_path / "cured").touch()
    again = mm.run(fails, tmp_path / "d")
    assert (again.failed, again.reused) == (1, 2)
    cured = mm.run(fails, tmp_path / "d", retry_failed=True)
    assert (cured.failed, cured.reused, cured.kept) == (0, 1, 8)
    assert verify(tmp_path / "d", decode=True) == []


def test_what_cannot_be_stored_is_the_failure_of_one_sample(tmp_path: Path):
    @dataclass(frozen=True)
    class Odd:
        def __call__(self, sample: mm.Sample) -> mm.Sample:
            return sample.tagged(3) if sample.origin == "disc-0001" else sample

    report = mm.run({"discs": (mm.Pipeline(Odd()), Discs(4))}, tmp_path / "d")
    assert (report.kept, report.failed) == (3, 1)


def test_a_sources_sixteen_bits_become_eight_unless_asked_otherwise(tmp_path: Path):
    from maskmill.images import decode_levels

    @dataclass(frozen=True)
    class Deep:
        def __call__(self, sample: mm.Sample) -> mm.Sample:
            return sample.quantised(16)

    for bits in (8, 16):
        mm.run({"discs": (mm.Pipeline(Deep()), Discs(2))}, tmp_path / str(bits), bits=bits)
        alpha = Dataset(tmp_path / str(bits)).split()[0].alpha_bytes
        assert alpha is not None
        assert decode_levels(alpha).dtype == f"uint{bits}"


def test_an_empty_source_is_counted_as_empty(tmp_path: Path):
    sources = {"none": (mm.Pipeline(), Discs(0)), "some": (mm.Pipeline(), Discs(2))}
    report = mm.run(sources, tmp_path / "d", finish=[Dark()])
    assert report.counts["none"] == {"read": 0, "kept": 0, "dropped": {}, "failed": {}}
    report = mm.run({"none": sources["none"]}, tmp_path / "e", finish=[Dark(), Dark(3)])
    assert (report.kept, len(Dataset(tmp_path / "e").split()[:0])) == (0, 0)


@pytest.mark.parametrize(
    ("more", "message"), [({"workers": 0}, "at least 1"), ({"bits": 7}, "8 or 16")]
)
def test_wrong_numbers_are_refused_before_anything_is_written(
    tmp_path: Path, more: dict, message: str
):
    with pytest.raises(ValueError, match=message):
        mm.run(WHOLE, tmp_path / "d", **more)
    assert not (tmp_path / "d").exists()


def test_a_writer_that_lost_its_lease_publishes_nothing(tmp_path: Path):
    stolen = '{"holder": "ben", "token": "other"}'

    def steal(label: str, done: int, total: int) -> None:
        if label == "partitions" and done == 2:
            (tmp_path / "d" / LEASE).write_text(stolen)

    with pytest.raises(DatasetBusyError, match="taken over"):
        mm.run({"discs": (mm.Pipeline(), Discs(8))}, tmp_path / "d", progress=steal)
    assert not (tmp_path / "d/dataset.json").exists()
    assert not (tmp_path / "d/index.parquet").exists()
    assert (tmp_path / "d" / LEASE).read_text() == stolen


def test_one_thread_holds_for_all_threads_of_a_worker():
    import threading

    import cv2

    from maskmill.work import one_thread

    before = cv2.getNumThreads()
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with one_thread():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=stay)
    other.start()
    inside.wait(10)
    with one_thread():
        pass
    assert cv2.getNumThreads() == 1
    leave.set()
    other.join()
    assert cv2.getNumThreads() == before
