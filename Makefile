# Python 3.11 to 3.13: `make book PYTHON=python3.12` names another one.
PYTHON ?= python3

.PHONY: book test serve train lock clean

book: .venv/ready  ## execute every chapter and render the site into _build/html
	.venv/bin/python -m irnn book

test: .venv/ready  ## lint, then test on both backends
	.venv/bin/ruff check . && .venv/bin/ruff format --check .
	.venv/bin/pytest
	KERAS_BACKEND=jax .venv/bin/pytest -m keras

serve: .venv/ready  ## show the site on http://localhost:8000, built again as you edit
	.venv/bin/python -m irnn serve

train: .venv/ready  ## train what the main experiment lacks
	.venv/bin/python -m irnn train irnn-vs-lstm

lock: .venv/ready  ## renew requirements.txt from pyproject.toml
	.venv/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --fork-strategy fewest --no-annotate --upgrade -o requirements.txt

clean:  ## remove what is built, and the environment
	rm -rf _build .venv

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 to 3.13 is needed: make PYTHON=python3.12" if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
