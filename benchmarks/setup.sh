#!/bin/sh
# Installs requirements-bench.txt into .venv, when that is missing or when the file has changed. Nothing else may need
# what is installed here, so what is there already stays as it is.
set -eu
cd "$(dirname "$0")/.."
requirements=requirements-bench.txt
stamp=.venv/.bench-installed

if [ -f "$stamp" ] && cmp -s "$requirements" "$stamp" && .venv/bin/python -c 'import rustpy_xlsxwriter, xlsxwriter' 2>/dev/null; then
    exit 0
fi
echo 'Installing the benchmarks'\'' peers into .venv'
if command -v uv >/dev/null 2>&1; then
    uv pip install --quiet --python .venv/bin/python --no-deps --require-hashes --only-binary :all: -r "$requirements"
else
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --no-deps --require-hashes --only-binary :all: -r "$requirements"
fi
cp "$requirements" "$stamp"
