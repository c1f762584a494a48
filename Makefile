# Needs python3 (3.10 or newer) with venv, and PyPI. Only the site tests of `make test` need a bench; without one they are left out.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PACKAGE := biometric_integration
UNIT_TESTS := $(PACKAGE)/tests/unit
KILLS ?= 60

.DEFAULT_GOAL := help
.PHONY: help venv demo unit kill-test lint test upgrade-test wheel browser-test benchmark clean

help:  ## What there is
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

venv: $(INSTALLED)  ## An environment in .venv with all dependencies

# A file inside, written last: an installation that was interrupted is done again.
$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,lint]"
	@touch $@

demo: venv  ## A fake server of each type, a week of punches, and the check-ins they become
	@$(BIN)/biometric-integration demo

unit: venv  ## Tests that need no site
	$(BIN)/python -m pytest -q $(UNIT_TESTS)

kill-test: venv  ## KILLS (60) SIGKILLs of a sync, then the result against the truth
	BIOMETRIC_KILLS=$(KILLS) $(BIN)/python -m pytest -q -s $(UNIT_TESTS)/test_bridge_kill.py

lint: venv  ## Style, types and likely mistakes; of the scripts as well, where node is
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@.ci/lint-scripts

test: venv  ## All tests; those on a site where BENCH_DIR (default ~/frappe-bench) is a bench
	@.ci/test

upgrade-test:  ## A part of test: from older commits, installations that broke off, and what is left of one, on a fresh site of BENCH_DIR
	@.ci/upgrade-test

wheel:  ## Build it, look into it, install it elsewhere and run the demo from there
	@PYTHON=$(PYTHON) .ci/wheel

browser-test:  ## A person's way through Desk, in Chromium, on a fresh site of BENCH_DIR
	@.ci/browser-tests

benchmark:  ## What a punch costs: PARTS (all) with PUNCHES (100000), on a fresh site of BENCH_DIR
	@.ci/benchmark

clean:  ## Remove what these targets made
	rm -rf $(VENV) .demo .pytest_cache .hypothesis .mypy_cache .ruff_cache .ci/scripts-lint/node_modules
