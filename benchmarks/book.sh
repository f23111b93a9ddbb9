#!/usr/bin/env bash
# How long the book takes to build, and the imports that drawing needs; after `make book` once.
set -euo pipefail
cd "$(dirname "$0")/.."
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
time .venv/bin/python -m irnn book --output "$output"
time .venv/bin/python -c "import irnn.store, irnn.figures"
