import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest
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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    worker = ["--nthreads=1", "--no-dashboard", f"--local-directory={tmp_path}"]
    commands = [
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host=127.0.0.1",
         f"--port={port}", "--no-dashboard", "--no-show"],
        *([sys.executable, "-m", "distributed.cli.dask_worker", address, *worker],) * 2,
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    processes = [
        subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
        for command in commands
    ]
    yield address
    for process in reversed(processes):
        process.terminate()
        process.wait(20)


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
    assert "in fails_on: FailsOn(origin='disc-0003') on disc-0003" in failed[0]["detail"]


def test_a_local_cluster_writes_the_same_bytes(serial: Path, tmp_path: Path):
    mm.run(WHOLE, str(tmp_path / "dataset"), workers=2)
    assert tree(tmp_path / "dataset") == tree(serial)


def test_a_running_scheduler_writes_the_same_bytes(serial: Path, tmp_path: Path, scheduler: str):
    from distributed import Client

    with Client(scheduler, timeout="30s") as client:
        client.wait_for_workers(2, timeout=60)
        mm.run(WHOLE, str(tmp_path / "dataset"), client=client)
    assert tree(tmp_path / "dataset") == tree(serial)


def test_a_second_run_does_nothing(serial: Path):
    before = {path: path.stat().st_mtime_ns for path in serial.rglob("*.parquet")}
    report = mm.run(WHOLE, str(serial))
    assert report.reused == report.partitions == 8
    shards = [path for path in before if path.parent.name in ("shards", "dropped")]
    assert all(path.stat().st_mtime_ns == before[path] for path in shards)


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
    with pytest.raises(ValueError, match="must stay in one split"):
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
