#!/bin/sh
# Makes .venv and installs requirements-dev.txt into it, when that is missing or when the file has changed.
# Needs Python 3.11, 3.12 or 3.13: the one that PYTHON names, else the first that fits. Uses uv when it is on PATH.
# Leaves the seconds that installing took (0: nothing to do) in .venv/.install-seconds for `make demo`.
set -eu
cd "$(dirname "$0")/../.."
requirements=requirements-dev.txt
stamp=.venv/.installed

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1
}

fail() {
    echo "waybill: $1" >&2
    exit 1
}

# What the environment was made from: the requirements' hash.
digest() {
    "$1" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$requirements"
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" >/dev/null 2>&1 || fail "PYTHON=$PYTHON is not a program: name a Python 3.11, 3.12 or 3.13."
        fits "$PYTHON" || fail "PYTHON=$PYTHON is $("$PYTHON" --version 2>&1 | head -n 1): name a Python 3.11, 3.12 or 3.13."
        echo "$PYTHON"
        return
    fi
    for name in python3 python3.13 python3.12 python3.11; do
        if fits "$name"; then
            echo "$name"
            return
        fi
    done
    if command -v uv >/dev/null 2>&1 && uv python find --no-python-downloads '>=3.11,<3.14' 2>/dev/null; then
        return
    fi
    found=$(python3 --version 2>/dev/null || echo 'no python3')
    fail "found $found, but Python 3.11, 3.12 or 3.13 is needed: install one (for example the packages python3.12 and python3.12-venv), or name it: make PYTHON=/path/to/python3.12 ..."
}

same_version() {
    [ "$("$1" -c 'import sys; print(sys.version_info[:2])')" = "$("$2" -c 'import sys; print(sys.version_info[:2])')" ]
}

# Up to date: the environment works, fits the Python that was asked for (if any), and has these requirements.
if [ -f "$stamp" ] && fits .venv/bin/python && [ "$(cat "$stamp")" = "$(digest .venv/bin/python)" ]; then
    if [ -z "${PYTHON:-}" ] || { fits "$PYTHON" && same_version "$PYTHON" .venv/bin/python; }; then
        echo 0 >.venv/.install-seconds
        exit 0
    fi
fi

# An environment that works is completed, not replaced, unless PYTHON asks for another version.
if [ -z "${PYTHON:-}" ] && fits .venv/bin/python; then
    python=.venv/bin/python
else
    python=$(find_python)
    if ! fits .venv/bin/python || ! same_version "$python" .venv/bin/python; then
        rm -rf .venv
    fi
fi
start=$(date +%s)
rm -f "$stamp"
if command -v uv >/dev/null 2>&1; then
    echo "Installing into .venv with uv ($("$python" --version))"
    [ -d .venv ] || uv venv --quiet --python "$python" .venv
    uv pip install --quiet --python .venv/bin/python --require-hashes --only-binary :all: -r "$requirements"
else
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        fail "$("$python" --version) comes without venv and ensurepip: install its venv package (Debian and Ubuntu: apt-get install python3-venv)."
    echo "Installing into .venv with pip ($("$python" --version)); this takes a minute or two"
    [ -d .venv ] || "$python" -m venv .venv
    # uv makes environments without pip.
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes --only-binary :all: -r "$requirements"
fi
seconds=$(($(date +%s) - start))
digest .venv/bin/python >"$stamp"
echo "$seconds" >.venv/.install-seconds
echo "Installed in $seconds s"
