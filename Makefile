# `make run` and `make test` set up what they need: Python 3.11 or newer and make are enough.
# The set-up ends with the commands to type next.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test soak check setup format page clean
.DEFAULT_GOAL := run

run: setup  ## train the default model on Tiny Shakespeare, score it, and show the results on one page
	$(BIN)/octavo train

test: setup  ## run all tests on all cores; neighbouring tests share a worker and the models trained for them
	$(BIN)/python -m pytest --numprocesses=logical --maxprocesses=8 --dist=worksteal

check: setup  ## check style and types, also for Windows; a test checks the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 src

setup: $(BIN)/.installed  ## create the virtual environment with pinned packages
	$(if $(filter setup,$(MAKECMDGOALS)),@$(BIN)/octavo,@:)

$(BIN)/.installed: pyproject.toml constraints.txt $(wildcard src/octavo/kernels/*.[ch])
	$(PYTHON) -c 'import sys; sys.exit("Octavo needs Python 3.11 or newer.") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[shakespeare,cluster,dev]'
	touch $@
	$(if $(filter setup,$(MAKECMDGOALS)),,@$(BIN)/octavo)

format: setup  ## format the code and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: setup  ## run the long tests: a hundred kills, every system call, mutants, texts, advice; about an hour
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt atheris || echo "atheris cannot be installed: its fuzz tests are skipped."
	$(BIN)/python -m tests.soak

page: setup  ## write docs/the-report-examined.md from the results in docs/report, and docs/api.md, from docstrings
	$(BIN)/python -m scripts.report_examined
	$(BIN)/python -m scripts.api_page

clean:  ## remove the virtual environment and all caches
	rm -rf .venv build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
