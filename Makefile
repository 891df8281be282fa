# `make run` and `make test` set up what they need: Python 3.11 or newer and make are enough.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test soak check setup format page clean
.DEFAULT_GOAL := run

run: setup  ## train the default model on Tiny Shakespeare, score it, show it all on one page
	$(BIN)/octavo train

test: setup  ## every test, on all cores; a worker goes through neighbours, which share what is trained once
	$(BIN)/python -m pytest --numprocesses=logical --maxprocesses=8 --dist=worksteal

check: setup  ## style and types, also those of Windows, which lacks what POSIX has; the direction of imports is one of the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 src

setup: $(BIN)/.installed  ## the virtual environment with everything pinned

$(BIN)/.installed: pyproject.toml constraints.txt $(wildcard src/octavo/kernels/*.[ch])
	$(PYTHON) -c 'import sys; sys.exit("Octavo needs Python 3.11 or newer.") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[shakespeare,cluster,dev]'
	touch $@

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: setup  ## what takes too long for every test: a hundred kills, every system call, mutants, texts; under 40 minutes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt atheris || echo "Its part is left out."
	$(BIN)/python -m tests.soak

page: setup  ## docs/the-report-examined.md, from the figures in docs/report, and docs/api.md, from docstrings
	$(BIN)/python -m scripts.report_examined
	$(BIN)/python -m scripts.api_page

clean:
	rm -rf .venv build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
