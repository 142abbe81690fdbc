#!/bin/sh
# Makes .venv with maskmill (editable), its extras and its tools, all pinned by constraints.txt.
# Run it again at any time: it returns at once when nothing has changed.
#
#   PYTHON=python3.12   the interpreter to prefer
#   APT=no              never install system packages
#
# Outside this checkout it touches nothing but apt, and that only when it may (root, or sudo without
# a password).
set -eu
cd "$(dirname "$0")/.."

venv=.venv
log=build/install.log
stamp=$venv/maskmill.stamp
export PIP_PROGRESS_BAR=off PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf 'install: %s\n' "$*"; }

fail() {
    printf 'install: %s\n' "$@" >&2
    exit 1
}

# Runs a command with its output in the log: only large downloads are shown, and, when it fails, the
# end of the log.
logged() {
    rm -f build/failed
    before=$(wc -l <"$log")
    printf '\n$ %s\n' "$*" >>"$log"
    { "$@" 2>&1 || : >build/failed; } | tee -a "$log" |
        sed -n 's/^ *Downloading \([^-]*-[^-]*\)-.*\.whl (\([0-9.]* [MG]B\)).*/install:   \1, \2/p'
    if [ -e build/failed ]; then
        rm -f build/failed
        tail -n "+$((before + 1))" "$log" | tail -n 25 >&2
        fail "this failed: $*" "the whole log is $log"
    fi
}

pip() { logged "$venv/bin/python" -m pip "$@"; }

if [ "$(id -u)" = 0 ]; then sudo=; else sudo='sudo -n'; fi

may_apt() {
    [ "${APT:-}" != no ] && command -v apt-get >/dev/null && { [ -z "$sudo" ] || sudo -n true 2>/dev/null; }
}

# A failure is for the caller to look at. Nor does a failed update stop it: one broken source of
# somebody else's must not, and what is asked for may be in the old lists.
apt_install() {
    say "installing $* with apt-get"
    {
        $sudo apt-get update || :
        $sudo env DEBIAN_FRONTEND=noninteractive \
            apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"
    } >>"$log" 2>&1 </dev/null || say "apt-get failed, see $log"
}

# Prints version, executable and whether it can make a virtual environment. A name on the path may
# be a shim that fails when it is run, so every candidate is run. Where the candidate lies in a
# virtual environment, this is the interpreter that that one was made from.
describe() {
    "$1" -c 'import importlib.util as u, os, sys
print(sys.version.split()[0], "venv" if u.find_spec("ensurepip") and u.find_spec("venv") else "bare",
      3 == sys.version_info[0] and 11 <= sys.version_info[1] < 14,
      os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))' 2>/dev/null
}

version_of() { describe "$1" | cut -d' ' -f1; }

minor_of() { printf '%s' "$1" | cut -d. -f1,2; }

# Sets $python and $version to the first interpreter that can make a virtual environment; with the
# argument "apt", also to one that can do so once its venv package is there.
choose() {
    seen=:
    reasons=
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python \
        /usr/bin/python3 /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11; do
        facts=$(describe "$candidate") || {
            [ "$candidate" != "${PYTHON:-}" ] || reasons="$reasons
  $candidate: cannot be run"
            continue
        }
        version=${facts%% *} facts=${facts#* }
        ability=${facts%% *} facts=${facts#* }
        fits=${facts%% *} python=${facts#* }
        case $seen in *":$python:"*) continue ;; esac
        seen=$seen$python:
        if [ "$fits" != True ]; then
            reasons="$reasons
  $python is $version: 3.11 to 3.13 is needed"
            continue
        fi
        package=python$(minor_of "$version")-venv
        if [ "$ability" = bare ] && [ "${1:-}" = apt ]; then
            apt_install "$package"
            case $(describe "$python") in *" venv "*) ability=venv ;; esac
        fi
        [ "$ability" = bare ] || return 0
        reasons="$reasons
  $python is $version, but has no venv module: apt-get install $package (as root) adds it"
    done
    return 1
}

# What the installation depends on; $1 is the interpreter's version.
fingerprint() {
    printf '%s\n%s\n' "$1" "$(pwd)"
    cat pyproject.toml constraints.txt scripts/install.sh | cksum
}

# The version of the interpreter in .venv, unless it has to be made anew: it is broken or of a
# version that does not fit, $PYTHON asks for another one, or the checkout was moved, which breaks
# the programs in .venv/bin.
have=
if [ -e "$venv" ]; then
    [ -e "$venv/pyvenv.cfg" ] || [ -z "$(ls "$venv")" ] ||
        fail "$venv is in the way: it is no virtual environment; move it and try again"
    case $(describe "$venv/bin/python") in *" True "*) have=$(version_of "$venv/bin/python") ;; esac
    case $(describe "${PYTHON:-}") in
    *" True "*) [ "$(version_of "$PYTHON")" = "$have" ] || have= ;;
    esac
    if [ -e "$stamp" ] && [ "$(sed -n 2p "$stamp")" != "$(pwd)" ]; then have=; fi
fi
if [ -n "$have" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint "$have")" ]; then
    exit 0
fi

mkdir -p build
: >"$log"

if [ -n "$have" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    version=$have
    say "bringing $venv (Python $version) up to date"
else
    choose || { may_apt && choose apt; } ||
        fail "found no Python 3.11 to 3.13 that can make a virtual environment.$reasons" \
            "install one and run this again, or name one: make install PYTHON=/path/to/python3.12"
    say "making $venv with Python $version ($python)"
    if [ -n "${PYTHON:-}" ] && [ -n "$reasons" ]; then say "not taken:$reasons"; fi
    rm -rf "$venv"
    logged "$python" -m venv "$venv"
fi
rm -f "$stamp"

say "installing the packages pinned in constraints.txt"
pip install --upgrade --constraint constraints.txt pip setuptools
pip install --constraint constraints.txt --no-build-isolation --editable '.[dask,train]' --group dev
# The oracle of the metrics' tests. Its requirements would put another OpenCV over ours.
pip install --constraint constraints.txt --no-deps pysodmetrics

# OpenCV's wheel links libGL and libglib, which a server may lack.
cv2_error() {
    output=$("$venv/bin/python" -c 'import cv2; cv2.ximgproc.guidedFilter' 2>&1) ||
        printf '%s\n' "$output" | tail -n 1
}

lacks_library() { case $error in *'cannot open shared object file'*) ;; *) return 1 ;; esac; }

error=$(cv2_error)
if [ -n "$error" ] && ! lacks_library; then
    # Another package has written over cv2/, or took it along when it was uninstalled.
    say "OpenCV is damaged ($error): installing it again"
    pip install --force-reinstall --no-deps --constraint constraints.txt opencv-contrib-python
    error=$(cv2_error)
fi
if lacks_library; then
    say "OpenCV cannot be loaded here: ${error#*Error: }"
    if may_apt; then
        apt_install libgl1 libglib2.0-0
        error=$(cv2_error)
    fi
fi
if lacks_library; then
    pinned=$(sed -n 's/^opencv-contrib-python==//p' constraints.txt)
    # Both packages own the folder cv2/: uninstalling only one of them would break the other.
    pip uninstall --yes opencv-contrib-python opencv-contrib-python-headless
    pip install --no-deps "opencv-contrib-python-headless==$pinned"
    say "took opencv-contrib-python-headless $pinned instead, which needs no libGL"
    error=$(cv2_error)
fi
[ -z "$error" ] || fail "OpenCV cannot be loaded: $error" "ask $venv/bin/maskmill doctor"

fingerprint "$version" >"$stamp"
say "done: $venv/bin/maskmill"
