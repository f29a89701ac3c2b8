# Everything a contributor types. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
# One more than most machines that run this have cores: some tests wait for a clock or another process.
WORKERS ?= 3
DEEP ?= 100000
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet

# Modules compiled once, not at every start of a command.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv run test test-system lint bench check-deep docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

venv: $(INSTALLED) ## make .venv with everything, from the hash-locked requirements

$(INSTALLED): requirements.txt pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit("Zgoda needs Python 3.11 or later: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade
	@{ test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; } \
	  && $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: venv ## the tour of `zgoda demo` on .zgoda/, then the server on 127.0.0.1:8400 with that data
	@$(BIN)/zgoda --data .zgoda demo
	@exec $(BIN)/zgoda --data .zgoda serve --new-admin-key

lint: venv ## ruff, mypy --strict, the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: lint ## the whole suite that needs only Python packages
	$(BIN)/pytest -m "not system" -n $(WORKERS) --dist worksteal -q

test-system: venv ## what needs Debian's Chromium, PostgreSQL 15 or Go; the suite again on PostgreSQL 15
	$(BIN)/pytest -m system -q
	tests/system/with_postgres.sh $(BIN)/pytest -m "not system and not embedded" -n $(WORKERS) --dist worksteal -q

bench: venv ## repeat the measurements, as ratios, and print the machine
	$(BIN)/python -m tests.benchmarks

check-deep: venv ## hours instead of minutes: more examples, more interleavings; races go on where they were
	ZGODA_TEST_INTERLEAVINGS=$(DEEP) ZGODA_TEST_RACES=$(CURDIR)/.pytest_cache/races.jsonl \
	  HYPOTHESIS_PROFILE=deep $(BIN)/pytest -m "not system" -n $(WORKERS) -q

docs: venv ## write the pages that are made from the code: commands, problems, the law report
	$(BIN)/python -m tests.docs.generate

lock: venv ## write requirements.txt anew from pyproject.toml
	$(LOCK) --upgrade --extra dev pyproject.toml --output-file requirements.txt
	@! grep -nE '(https?|file)://|^--' requirements.txt

clean: ## remove what the other targets made, .zgoda included
	rm -rf $(VENV) .zgoda build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
