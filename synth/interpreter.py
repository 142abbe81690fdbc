"""The interpreter that Blender runs in: another one than ours, found and tried once.

It is a Python 3.11 with the package bpy, as `make blender` makes it, or an installed Blender.
"""

import functools
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import maskmill

VARIABLE = "MASKMILL_BLENDER"
"""The environment variable that names it."""
VENV = ".venv-blender"
"""The virtual environment that `make blender` makes, looked for here and in the checkout."""

_OLDEST = (4, 2)  # hair is made of curves that no earlier one lets a script make
_PROBE_SECONDS = 180
_PROBE = "import bpy, numpy; print('maskmill', bpy.app.version_string, numpy.__version__)"
_WORKER = Path(__file__).resolve().parent / "blender"


class NoBlenderError(RuntimeError):
    """There is no interpreter to render with; the message says how to get one."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that can run the worker.

    Parameters
    ----------
    program : Path
    is_blender : bool
        An installed Blender; else a Python that has bpy.
    version : str
        Blender's.
    """

    program: Path
    is_blender: bool
    version: str

    def command(self, job: Path) -> list[str]:
        """Return the command line that renders a job file."""
        if self.is_blender:
            script = ["--python-exit-code", "1", "--python", str(_WORKER / "__main__.py")]
            return [str(self.program), "-b", "--factory-startup", *script, "--", str(job)]
        return [str(self.program), str(_WORKER), str(job)]


def environment(temporary: Path | None = None) -> dict[str, str]:
    """Return the environment for the worker: ours without what leads its Python to our packages.

    Parameters
    ----------
    temporary : Path, optional
        Where it puts temporary files.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    kept |= {"PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return kept | ({"TMPDIR": str(temporary)} if temporary else {})


def find(blender: str | os.PathLike[str] | None = None) -> Interpreter:
    """Return what renders: `blender`, or $MASKMILL_BLENDER, or .venv-blender.

    Parameters
    ----------
    blender : path-like, optional
        A Python that has bpy, a Blender, or the folder of a virtual environment or of a Blender.

    Raises
    ------
    NoBlenderError
        When nothing is there, or what was named does not work; nothing else is taken in its place.
    """
    named = blender or os.environ.get(VARIABLE)
    if named:
        program = _program(Path(named))
        if program is None:
            source = "--blender" if blender else f"${VARIABLE}"
            raise NoBlenderError(
                f"{source} must be a Python that has bpy, or a Blender, got {os.fspath(named)}, "
                "which is neither"
            )
        return probed(program)
    for place in _places():
        program = _program(place)
        if program is not None:
            return probed(program)
    raise NoBlenderError(
        f"there is no Blender to render with: `make blender` makes {VENV}, "
        f"or name one by --blender or ${VARIABLE} (a Python 3.11 that has bpy, or a Blender)"
    )


def _places() -> Iterator[Path]:
    yield Path(VENV)
    yield Path(maskmill.__file__).resolve().parents[1] / VENV


def _program(place: Path) -> Path | None:
    """Return the program that a path names."""
    candidates = [place]
    if place.is_dir():
        candidates = [place / "bin" / "python", place / "Scripts" / "python.exe", place / "blender"]
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            # Not resolved: a virtual environment is told by where its link lies.
            return candidate.absolute()
    return None


@functools.lru_cache
def probed(program: Path) -> Interpreter:
    """Run a program once, to see whether it can render.

    Raises
    ------
    NoBlenderError
        With the last line of what it said.
    """
    is_blender = program.name.lower().startswith("blender")
    command = [str(program), *(["-b", "--version"] if is_blender else ["-c", _PROBE])]
    try:
        answer = subprocess.run(  # noqa: S603 - the program that the user has named
            command,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            env=environment(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoBlenderError(f"{program} cannot render: {error}") from None
    words = [line.split() for line in answer.stdout.splitlines() if line.strip()]
    mark = "Blender" if is_blender else "maskmill"
    version = next((line[1] for line in words if line[0] == mark and len(line) > 1), None)
    if answer.returncode or version is None:
        said = (answer.stderr or answer.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        hint = "; `make blender` adds what is missing" if "shared object" in said[0] else ""
        raise NoBlenderError(f"{program} cannot render: {said[0]}{hint}")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise NoBlenderError(f"{program} is Blender {version}: {oldest} or a later one is needed")
    return Interpreter(program, is_blender, version)
