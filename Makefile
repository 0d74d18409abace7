# Everything a fresh machine needs beyond Python 3.11, pip and make comes from PyPI.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

setup: $(STAMP)  ## a virtual environment with everything in it

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP)  ## the whole thing against the emulator; KEEP=1 leaves the Prefect UI up
	@$(BIN)/xrt-products demo $(if $(KEEP),--keep)

demo-stop: $(STAMP)  ## end the server that `make demo KEEP=1` left up
	@$(BIN)/python -c 'from xrt_products.flows.cli.demo import stop_demo; stop_demo()'

test: $(STAMP)  ## all tests but the long ones
	$(BIN)/pytest -m "not long" -n 3 --dist loadgroup

coverage: $(STAMP)  ## the same with branch coverage, which takes twice as long
	$(BIN)/pytest -m "not long" -n 3 --dist loadgroup --cov --cov-report=term:skip-covered

test-long: $(STAMP)  ## killed processes, real workers, servers that go away: one after the other
	$(BIN)/pytest -m long

test-browser: $(STAMP)  ## the Prefect UI in headless Chromium; screenshots in test-results/
	@test -x "$${CHROMIUM:-/usr/bin/chromium}" || { echo "Chromium is missing: apt-get install chromium, or set CHROMIUM"; exit 1; }
	$(BIN)/pytest tests/browser

chaos: $(STAMP)  ## kill running flows KILLS=30 times; SEED=... repeats the moments
	XRT_CHAOS_KILLS=$(or $(KILLS),30) XRT_CHAOS_SEED=$(SEED) $(BIN)/pytest -q -s tests/faults/test_chaos.py

lint: $(STAMP)  ## ruff and mypy --strict
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

schema: $(STAMP)  ## the JSON schema of job.json, after a change of ukssdc/record.py
	$(BIN)/python -m ukssdc.record.schema

benchmark: $(STAMP)  ## speed and memory, as ratios
	$(BIN)/python tests/benchmarks/run.py

clean:  ## remove what was made
	rm -rf $(VENV) .demo .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help setup demo demo-stop test coverage test-long chaos test-browser lint schema benchmark clean
