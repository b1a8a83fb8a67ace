# make install | demo | test | check | bench | dev
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/installed
DEMO_HOME := var/demo

.PHONY: help install demo test fuzz faults check format docs lock bench dev clean

help:
	@echo "make install  environment in .venv, from requirements.lock"
	@echo "make demo     the main job on bundled samples; ends with the paths of tables and report"
	@echo "make test     the tests"
	@echo "make fuzz     2,000 damaged deliveries of each kind (tests: 50), 200 hostile inboxes (3)"
	@echo "make faults   a small run killed, and its disk full, at each change of a file (tests: 5 and 3), 300 damaged homes (3); about an hour"
	@echo "make check    lint, types, layers, generated files"
	@echo "make bench    our speed beside the script an analyst would write"
	@echo "make dev      the Dagster UI on loopback behind a token, for the home in DTM_HOME (default var)"

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { echo "Python 3.11 to 3.13 is needed; say PYTHON=/path/to/python3.11"; exit 1; }
	@echo "making .venv (about two minutes, 1.5 GB)"
	@"$(PYTHON)" -m venv .venv
	@echo "  installing $$(grep -c '==' requirements.lock) locked packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: install
	@$(BIN)/dtm demo --home $(DEMO_HOME)

test: install
	@$(BIN)/python -m pytest -n auto --dist worksteal

fuzz: install
	@DTM_FUZZ=$${DTM_FUZZ:-2000} $(BIN)/python -m pytest -n auto --dist worksteal tests/fuzz --durations=0 -vv

faults: install
	@DTM_FAULTS=all $(BIN)/python -m pytest -n auto --dist worksteal -rP tests/faults

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m dtm_pipeline.release.documents --check

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install
	$(BIN)/python -m dtm_pipeline.release.documents

# versions and hashes, no addresses; needs uv on the PATH
lock:
	uv pip compile pyproject.toml --extra dev --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements.lock

bench: install
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/read.py
	$(BIN)/python benchmarks/tables/run.py
	$(BIN)/python benchmarks/places/run.py

dev: install
	@$(BIN)/dtm serve --home "$${DTM_HOME:-var}"

clean:
	rm -rf .venv var/demo
