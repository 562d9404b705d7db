#!/bin/sh
# Resolves the requirements*.in of a folder into lock files with hashes. Versions that the lock files have are kept.
set -eu
PYTHON=$(pwd)/.venv/bin/python
OVERRIDES=$(pwd)/deploy/supply_chain
cd "${1:-.}"

lock_all() {
    "$PYTHON" -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --override "$OVERRIDES/overrides.txt" --custom-compile-command "make lock" "$@"
}

# lock ARGUMENT...: without the packages that are optional.
lock() { lock_all --override "$OVERRIDES/optional.txt" "$@"; }

lock requirements.in -o requirements.txt
lock -c requirements.txt requirements-tracing.in -o requirements-tracing.txt
lock_all requirements-official.in -o requirements-official.txt
lock_all -c requirements-tracing.txt -c requirements-official.txt requirements-dev.in -o requirements-dev.txt
lock requirements-node.in -o requirements-node.txt
lock -c requirements.txt bench/rest_framework/requirements.in -o bench/rest_framework/requirements.txt
