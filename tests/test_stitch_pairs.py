"""Photographs and their clips: found by name or by table, read as they are."""

import csv
import io
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageCms

from maskmill.door import Refused
from maskmill.sample import Dropped, Sample, content_key
from maskmill.source import Source
from maskmill.stitch.context import ClipContext
from maskmill.stitch.decoding import decode_clip
from maskmill.stitch.names import partners
from maskmill.stitch.pairs import ClipPairs, read_table


def picture(seed: int, height: int = 30, width: int = 40) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def write(path: Path, array: Any, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def encoded(array: Any, kind: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray(array, mode).save(data, kind, **options)
    return data.getvalue()


def read(source: ClipPairs) -> list[Sample | Dropped]:
    partitions = source.plan(())
    found = [item for partition in partitions for item in source.read(partition)]
    assert len(found) == sum(partition.count for partition in partitions)
    return found


def samples(items: list[Sample | Dropped]) -> dict[str, Sample]:
    return {item.origin: item for item in items if isinstance(item, Sample)}


def dropped(items: list[Sample | Dropped]) -> dict[str, str]:
    return {str(item.origin): item.reason for item in items if isinstance(item, Dropped)}


def clip_of(sample: Sample) -> bytes:
    assert isinstance(sample.context, ClipContext)
    return sample.context.clip


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two photographs; one has two clips, the other none; a clip has no photograph."""
    write(tmp_path / "photos" / "bag.png", picture(0))
    write(tmp_path / "photos" / "hat.png", picture(1))
    write(tmp_path / "clips" / "bag-cutout.png", picture(2))
    write(tmp_path / "clips" / "BAG_clip_2.png", picture(3))
    write(tmp_path / "clips" / "shoe.png", picture(4))
    return tmp_path / "photos", tmp_path / "clips"


@pytest.mark.parametrize(
    "clip",
    [
        "bag.png",
        "BAG.JPG",
        "bag_clip.png",
        "bag-cutout.jpg",
        "bag.out.png",
        "bag white.jpg",
        "bag-removebg-preview.png",
        "bag_retouched_white_bg.jpg",
        "bag (2).png",
        "bag_3.jpg",
        "bag_clip_2.png",
    ],
)
def test_a_clip_is_found_whatever_its_maker_wrote_behind_the_name(clip: str) -> None:
    assert partners(["bag.jpg", "hat.jpg"], [clip])[0] == [("bag.jpg", clip)]


def test_marks_of_the_photograph_are_dropped_too() -> None:
    assert partners(["bag_raw.tif"], ["bag.png"])[0] == [("bag_raw.tif", "bag.png")]


def test_the_name_that_needs_least_dropped_is_the_partner() -> None:
    pairs, _ = partners(
        ["shirt.jpg", "shirt_white.jpg", "IMG.jpg", "IMG_2.jpg"],
        ["shirt_white_clip.png", "shirt_out.png", "IMG_2_clip.png"],
    )
    assert pairs == [
        ("shirt_white.jpg", "shirt_white_clip.png"),
        ("shirt.jpg", "shirt_out.png"),
        ("IMG_2.jpg", "IMG_2_clip.png"),
    ]


def test_two_spellings_of_an_accent_are_one_name() -> None:
    assert len(partners(["caf\u00e9.jpg"], ["cafe\u0301.png"])[0]) == 1


def test_equally_similar_names_are_ambiguous_not_guessed() -> None:
    pairs, faults = partners(["a.jpg", "a.png"], ["a_clip.png"])
    assert pairs == []
    assert [(one.name, one.reason, one.partners) for one in faults if one.is_clip] == [
        ("a_clip.png", "ambiguous_name", 2)
    ]


def test_folders_keep_products_apart_that_have_the_same_file_names() -> None:
    pairs, faults = partners(["1/front.jpg", "2/front.jpg"], ["2/front.png", "3/front.png"])
    assert pairs == [("2/front.jpg", "2/front.png")]
    assert {one.name for one in faults} == {"3/front.png", "1/front.jpg"}


def test_a_name_of_nothing_but_a_mark_is_left_as_it_is() -> None:
    assert partners(["clip.jpg", "_out.jpg"], ["clip_out.png", "_out.png"])[0] == [
        ("clip.jpg", "clip_out.png"),
        ("_out.jpg", "_out.png"),
    ]


def test_a_sample_is_the_photograph_with_its_clip_and_no_alpha(
    folders: tuple[Path, Path],
) -> None:
    source = ClipPairs(str(folders[0]), str(folders[1]))
    assert isinstance(source, Source)
    sample = samples(read(source))["bag-cutout.png"]
    photograph, clip = ((folders[0] / "bag.png"), (folders[1] / "bag-cutout.png"))
    assert np.array_equal(sample.image, picture(0))
    assert clip_of(sample) == clip.read_bytes()
    assert not sample.has_alpha
    assert sample.key == content_key(photograph.read_bytes(), clip.read_bytes())


def test_clips_of_one_photograph_are_a_group(folders: tuple[Path, Path]) -> None:
    write(folders[1] / "hat.png", picture(5))
    found = samples(read(ClipPairs(str(folders[0]), str(folders[1]))))
    assert found["BAG_clip_2.png"].group == found["bag-cutout.png"].group != found["hat.png"].group


def test_what_has_no_partner_is_told(folders: tuple[Path, Path]) -> None:
    found = read(ClipPairs(str(folders[0]), str(folders[1])))
    assert dropped(found) == {"original: hat.png": "no_partner", "clip: shoe.png": "no_partner"}


def test_partitions_hold_what_they_are_told_to(folders: tuple[Path, Path]) -> None:
    source = ClipPairs(str(folders[0]), str(folders[1]), samples_per_partition=3)
    assert [partition.count for partition in source.plan(())] == [3, 1]


def test_a_changed_file_changes_its_partition_alone(folders: tuple[Path, Path]) -> None:
    source = ClipPairs(str(folders[0]), str(folders[1]), samples_per_partition=1)
    before = [partition.fingerprint for partition in source.plan(())]
    write(folders[1] / "bag-cutout.png", picture(9))
    after = [partition.fingerprint for partition in source.plan(())]
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_globs_tell_photographs_and_clips_of_one_folder_apart(tmp_path: Path) -> None:
    write(tmp_path / "1" / "front_raw.png", picture(0))
    write(tmp_path / "1" / "front_web.png", picture(1))
    write(tmp_path / "2" / "front_raw.png", picture(2))
    found = read(ClipPairs(f"{tmp_path}/*/*_raw.png", f"{tmp_path}/**/*_web.*"))
    assert list(samples(found)) == ["1/front_web.png"]
    assert dropped(found) == {"original: 2/front_raw.png": "no_partner"}


def test_one_file_cannot_be_both(tmp_path: Path) -> None:
    write(tmp_path / "a.png", picture(0))
    with pytest.raises(ValueError, match="originals and clipped must be different"):
        ClipPairs(str(tmp_path), str(tmp_path))
    with pytest.raises(ValueError, match=r"got both for a\.png"):
        ClipPairs(str(tmp_path), f"{tmp_path}/*.png").plan(())


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there must be a folder"):
        ClipPairs(str(tmp_path / "no"), str(tmp_path)).plan(())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"match": "size"}, "match must be"),
        ({"samples_per_partition": 0}, "samples_per_partition must be"),
        ({"candidates": 0}, "candidates must be"),
        ({"match": "content", "pairs": "p.csv"}, "where a table of pairs is given"),
    ],
)
def test_parameters_out_of_range_are_said(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClipPairs("a", "b", **parameters)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv_names_the_pairs(folders: tuple[Path, Path], mark: str) -> None:
    table = folders[0].parent / "pairs.csv"
    rows = [["clipped", "original", "group"], ["shoe.png", "hat.png", "x"], ["", "bag.png", ""]]
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=mark).writerows([*rows, ["shoe.png", "bag.png", ""]])
    found = read(ClipPairs(str(folders[0]), str(folders[1]), pairs=str(table)))
    assert [(name, one.group) for name, one in samples(found).items()] == [("shoe.png", "x")]
    assert dropped(found) == {
        "? (row 2)": "bad_record",
        "shoe.png (row 3)": "duplicate_clip",
    }


def test_a_parquet_file_names_the_pairs(folders: tuple[Path, Path]) -> None:
    table = folders[0].parent / "pairs.parquet"
    columns = {"original": ["hat.png", None], "clipped": ["shoe.png", "b.png"], "other": [1, 2]}
    pq.write_table(pa.table(columns), table)
    found = read(ClipPairs(str(folders[0]), str(folders[1]), pairs=str(table)))
    assert list(samples(found)) == ["shoe.png"]
    assert dropped(found) == {"b.png (row 2)": "bad_record"}


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.parquet"])
def test_a_table_without_the_columns_is_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text("photo,clip\na,b\n")
    else:
        pq.write_table(pa.table({"photo": ["a"]}), path)
    with pytest.raises(ValueError, match="columns original and clipped, got photo"):
        read_table(path)


def test_a_file_that_is_no_table_is_said(tmp_path: Path) -> None:
    for name in ("pairs.csv", "pairs.parquet"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00\x01")
        with pytest.raises(ValueError, match="pairs must be"):
            read_table(tmp_path / name)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "link.png", "x/../../secret.png"])
def test_a_table_cannot_lead_out_of_its_folders(folders: tuple[Path, Path], name: str) -> None:
    write(folders[0].parent / "secret.png", picture(0))
    (folders[0] / "link.png").symlink_to(folders[0].parent / "secret.png")
    table = folders[0].parent / "pairs.csv"
    table.write_text(f"original,clipped\n{name},shoe.png\n")
    found = read(ClipPairs(str(folders[0]), str(folders[1]), pairs=str(table)))
    assert dropped(found) == {"shoe.png (row 1)": "unsafe_path"}


def test_a_table_may_name_what_is_not_there(folders: tuple[Path, Path]) -> None:
    table = folders[0].parent / "pairs.csv"
    table.write_text("original,clipped\nno.png,shoe.png\nbag.png,no.png\n")
    found = read(ClipPairs(str(folders[0]), str(folders[1]), pairs=str(table)))
    assert dropped(found) == {"shoe.png": "missing_file", "no.png": "missing_file"}
    assert [one.values for one in found if isinstance(one, Dropped)] == [{}, {"clip": 1.0}]


def test_a_file_that_vanishes_meanwhile_is_a_failure(folders: tuple[Path, Path]) -> None:
    source = ClipPairs(str(folders[0]), str(folders[1]))
    partitions = source.plan(())
    (folders[0] / "bag.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"bag\.png was there"):
        list(source.read(partitions[0]))


def test_what_the_door_refuses_says_which_of_the_two_it_was(folders: tuple[Path, Path]) -> None:
    (folders[1] / "bag-cutout.png").write_bytes(b"no picture")
    frames = [Image.fromarray(picture(at)) for at in range(3)]
    frames[0].save(folders[1] / "hat.png", save_all=True, append_images=frames[1:])
    (folders[0] / "shoe.jpg").write_bytes(b"")
    found = {
        one.origin: (one.reason, one.values.get("clip", 0.0))
        for one in read(ClipPairs(str(folders[0]), str(folders[1])))
        if isinstance(one, Dropped)
    }
    assert found == {
        "bag-cutout.png": ("unreadable", 1.0),
        "hat.png": ("animated", 1.0),
        "shoe.png": ("empty_file", 0.0),
    }


def test_a_clip_that_is_the_photograph_is_refused(folders: tuple[Path, Path]) -> None:
    write(folders[1] / "hat.png", picture(1))
    assert dropped(read(ClipPairs(str(folders[0]), str(folders[1]))))["hat.png"] == "same_file"


def test_a_picture_of_a_few_pixels_is_too_small(folders: tuple[Path, Path]) -> None:
    write(folders[1] / "hat.png", picture(1, 1, 1))
    found = read(ClipPairs(str(folders[0]), str(folders[1])))
    assert dropped(found)["hat.png"] == "too_small"


def test_hidden_files_and_other_files_are_passed_over(folders: tuple[Path, Path]) -> None:
    before = len(read(ClipPairs(str(folders[0]), str(folders[1]))))
    write(folders[1] / ".trash" / "bag.png", picture(0))
    write(folders[1] / "._bag.png", picture(0))
    (folders[1] / "bag.txt").write_text("a bag")
    assert len(read(ClipPairs(str(folders[0]), str(folders[1])))) == before


def test_a_name_that_is_not_unicode_does_not_stop_the_run(folders: tuple[Path, Path]) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    for folder in folders:
        write(folder / name, picture(7 if folder is folders[0] else 8))
    found = samples(read(ClipPairs(str(folders[0]), str(folders[1]))))
    assert [name for name in found if name.startswith("caf")] == ["caf?.png"]


def test_a_clip_keeps_its_transparency() -> None:
    rgba = np.dstack([picture(0), np.full((30, 40), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    rgba[10:12, :, 3] = 128
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        assert np.array_equal(decode_clip(encoded(rgba, kind, **options)), rgba)


def test_a_transparency_that_is_opaque_everywhere_is_left_out() -> None:
    rgba = np.dstack([picture(0), np.full((30, 40), 255, np.uint8)])
    assert np.array_equal(decode_clip(encoded(rgba)), rgba[..., :3])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_clip_is_turned_upright_with_its_alpha(kind: str, orientation: int) -> None:
    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[:5, :10] = (200, 10, 10, 255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    upright = decode_clip(encoded(rgba, kind, exif=exif, **options))
    assert upright.shape == ((30, 20, 4) if orientation > 4 else (20, 30, 4))
    assert np.array_equal(upright[..., 0] > 100, upright[..., 3] > 100)
    rows, columns = np.nonzero(upright[..., 3])
    corner = (bool(rows.min() == 0), bool(columns.min() == 0))
    expected = {
        1: (True, True),
        2: (True, False),
        3: (False, False),
        4: (False, True),
        5: (True, True),
        6: (True, False),
        7: (False, False),
        8: (False, True),
    }
    assert corner == expected[orientation]


def test_a_palette_with_a_transparent_colour_is_rgba() -> None:
    levels = np.zeros((20, 20), np.uint8)
    levels[5:] = 1
    image = Image.fromarray(levels)
    image.putpalette([255, 0, 0, 0, 0, 255])
    data = io.BytesIO()
    image.save(data, "PNG", transparency=0)
    clip = decode_clip(data.getvalue())
    assert (clip[..., 3] == np.where(levels == 1, 255, 0)).all()
    assert clip[10, 0].tolist() == [0, 0, 255, 255]


def test_sixteen_bits_become_eight_alpha_included() -> None:
    levels = np.random.default_rng(0).integers(0, 65536, (20, 20, 4)).astype(np.uint16)
    done, data = cv2.imencode(".png", levels)
    assert done
    clip = decode_clip(data.tobytes())
    expected = levels[..., [2, 1, 0, 3]] / 257
    assert np.abs(clip[..., :3] - expected[..., :3]).max() <= 0.5
    assert np.abs(clip[..., 3] - expected[..., 3]).max() <= 1


def test_grey_clips_are_rgb_with_or_without_alpha() -> None:
    grey = picture(0)[..., 0]
    assert np.array_equal(decode_clip(encoded(grey)), np.repeat(grey[..., None], 3, axis=2))
    both = np.dstack([grey, picture(1)[..., 0]])
    clip = decode_clip(encoded(both, mode="LA"))
    assert np.array_equal(clip[..., 2:], both)


def test_cmyk_becomes_rgb() -> None:
    data = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 30, 30)).convert("CMYK").save(data, "JPEG", quality=95)
    assert np.abs(decode_clip(data.getvalue()).astype(int) - (200, 30, 30)).max() < 8


def test_a_profile_is_applied_to_the_colours_and_not_to_the_alpha() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in ((b"rXYZ", b"tXYZ"), (b"gXYZ", b"rXYZ"), (b"tXYZ", b"gXYZ")):
        profile = profile.replace(old, new)  # red and green change places
    rgba = np.zeros((20, 20, 4), np.uint8)
    rgba[:10] = (255, 0, 0, 128)
    clip = decode_clip(encoded(rgba, icc_profile=profile))
    assert clip[0, 0, 1] > 200 > 60 > clip[0, 0, 0]
    assert np.array_equal(clip[..., 3], rgba[..., 3])


@pytest.mark.parametrize("data", [b"", b"no", encoded(picture(0))[:300]])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        decode_clip(data)
