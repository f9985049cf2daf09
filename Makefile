# Everything a person or a CI machine runs. Each target makes the environment it needs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Compiled kernels outlive a run, so that a second one does not wait for the compiler.
export MASSPROOF_CACHE ?= $(CURDIR)/$(VENV)/kernels
# Tests run on all cores, up to four: more only wait for each other's memory.
PYTEST := $(BIN)/python -m pytest -q -n auto --maxprocesses 4

.PHONY: demo test check bench lint test-jit test-nojit clean

demo: $(VENV)/demo.stamp
	$(BIN)/massproof measure data/bracket.step --material "Aluminum 6061-T6" --table
	$(BIN)/massproof measure data/open_box.stl --unit mm --table

test: test-jit

check: export MASSPROOF_MUTANTS = 1
check: export MASSPROOF_EXAMPLES = gate
check: lint test-nojit test-jit

bench: $(VENV)/bench.stamp
	$(BIN)/python -m compileall -q src
	$(BIN)/python benchmarks/open_box.py
	$(BIN)/python benchmarks/mesh.py $(if $(QUICK),--quick)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check src tests benchmarks data
	$(BIN)/ruff check src tests benchmarks data
	$(BIN)/mypy
	$(BIN)/lint-imports

# With the JIT: what users run.
test-jit: $(VENV)/dev.stamp
	$(PYTEST)

# Without it: every line of every kernel is seen by the coverage tool.
test-nojit: $(VENV)/dev.stamp
	NUMBA_DISABLE_JIT=1 $(PYTEST) --cov --cov-report=term-missing:skip-covered --cov-fail-under=100

$(VENV)/pip.stamp:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/demo.stamp: $(VENV)/pip.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable "."
	touch $@

$(VENV)/dev.stamp: $(VENV)/pip.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

$(VENV)/bench.stamp: $(VENV)/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[bench]"
	touch $@

clean:
	rm -rf $(VENV) .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
