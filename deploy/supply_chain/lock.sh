#!/bin/sh
# Resolves the requirements*.in of a folder into lock files with hashes. Versions that the lock files have are kept.
set -eu
PYTHON=$(pwd)/.venv/bin/python
OVERRIDES=$(pwd)/deploy/supply_chain/overrides.txt
cd "${1:-.}"

lock() {
    "$PYTHON" -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --override "$OVERRIDES" --custom-compile-command "make lock" "$@"
}

lock requirements.in -o requirements.txt
lock -c requirements.txt requirements-tracing.in -o requirements-tracing.txt
lock -c requirements-tracing.txt requirements-dev.in -o requirements-dev.txt
lock requirements-node.in -o requirements-node.txt
