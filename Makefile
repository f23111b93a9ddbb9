# Python 3.11 to 3.13: `make book PYTHON=python3.12` names another one.
PYTHON ?= python3
# JAX starts and trains faster than TensorFlow, Keras' default.
export KERAS_BACKEND ?= jax
# Every chapter and many a test is a process: modules are compiled once, not in each of them.
unexport PYTHONDONTWRITEBYTECODE
EXTRAS = --extra tensorflow --extra jax --extra cluster --extra notebook --group dev

.PHONY: book test serve train lock clean

book: .venv/ready  ## execute the chapters that changed and render the site into _build/html
	@.venv/bin/python -m irnn book

test: .venv/ready  ## lint, then test: all on JAX, and what depends on the backend on TensorFlow too
	.venv/bin/ruff check . && .venv/bin/ruff format --check .
	.venv/bin/pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

serve: .venv/ready  ## show the site on http://localhost:8000, built again as you edit
	.venv/bin/python -m irnn serve

train: .venv/ready  ## train what the main experiment lacks
	.venv/bin/python -m irnn train irnn-vs-lstm

lock: .venv/ready  ## renew requirements.txt from pyproject.toml
	.venv/bin/uv pip compile pyproject.toml $(EXTRAS) --universal --python-version 3.11 --fork-strategy fewest --no-annotate --upgrade -o requirements.txt

clean:  ## remove what is built, and the environment
	rm -rf _build .venv

# uv takes a quarter of pip's time. It does not know pip's settings, such as a mirror; then pip does it.
.venv/ready: requirements.txt pyproject.toml
	@command -v "$(PYTHON)" > /dev/null || { echo "there is no Python '$(PYTHON)': make PYTHON=python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit("Python 3.11 to 3.13 is needed: make PYTHON=python3.12" if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	@echo "setting up .venv: about 130 packages, TensorFlow and JAX among them"
	@"$(PYTHON)" -m venv .venv
	@.venv/bin/python -m pip install -qq --disable-pip-version-check $$(grep ^uv= requirements.txt)
	@.venv/bin/uv pip install --quiet --python .venv -r requirements.txt || \
		{ echo "uv cannot install them; pip tries"; .venv/bin/python -m pip install -qq --disable-pip-version-check -r requirements.txt; }
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
