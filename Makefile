# Everything a fresh machine needs beyond Python 3.11, pip and make comes from PyPI.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OLDEST := .venv-oldest
PYTHONS ?= python3.12 python3.13

.DEFAULT_GOAL := help

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

setup: $(STAMP)  ## a virtual environment with everything in it

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV) with $$($(PYTHON) --version) and the vetted versions (1 to 2 minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
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
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test-long]'
	$(BIN)/pytest -m long
	$(BIN)/pytest -m long tests/browser
	XRT_EXAMPLES=300 $(BIN)/pytest -m "not long" -n 2 tests/conformance

test-browser: $(STAMP)  ## the Prefect UI in headless Chromium; screenshots in test-results/
	@test -x "$${CHROMIUM:-/usr/bin/chromium}" || { echo "Chromium is missing: apt-get install chromium, or set CHROMIUM"; exit 1; }
	$(BIN)/pytest -m "not long" tests/browser

# The Prefect of another version must not touch the databases of this one: PREFECT_HOME is in the environment, and so is
# .demo, which the demo makes where it runs. The dev tools are left out: some would raise what is to be lowest.
test-oldest: export PREFECT_HOME := $(CURDIR)/$(OLDEST)/prefect
test-oldest: $(STAMP)  ## branch tests, forms and demo with the lowest versions that pyproject.toml allows
	@echo "Installing into $(OLDEST) with $$($(PYTHON) --version) and the lowest versions (a minute) ..."
	@$(PYTHON) -m venv --clear $(OLDEST)
	@$(BIN)/uv pip install --quiet --python $(OLDEST) --resolution lowest-direct --editable '.[plots,tables,test]'
	@$(BIN)/uv pip tree --python $(OLDEST) --package xrt-products --depth 1
	$(OLDEST)/bin/pytest tests/flows/test_branches.py -n 2 --dist loadgroup
	@test -x "$${CHROMIUM:-/usr/bin/chromium}" || { echo "Chromium is missing: apt-get install chromium, or set CHROMIUM"; exit 1; }
	$(OLDEST)/bin/pytest tests/browser/test_form.py
	cd $(OLDEST) && bin/xrt-products demo

# A Python is asked for its version because the shim of a version manager may be there without what it stands for.
test-pythons:  ## the unit tests with the other Pythons at hand; PYTHONS="python3.12 ..." names them
	@for python in $(PYTHONS); do \
		$$python --version > /dev/null 2>&1 || { echo "$$python: not found, so not tested"; continue; }; \
		venv=.venv-$$(basename $$python); \
		echo "Installing into $$venv with $$($$python --version) and the vetted versions (1 to 2 minutes) ..."; \
		$$python -m venv --clear $$venv && \
		$$venv/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]' && \
		$$venv/bin/pytest tests/unit -n 2 && \
		rm -rf $$venv || exit 1; \
	done

chaos: $(STAMP)  ## kill running flows KILLS=30 times; SEED=... repeats the moments
	XRT_CHAOS_KILLS=$(or $(KILLS),30) XRT_CHAOS_SEED=$(SEED) $(BIN)/pytest -q -s tests/faults/test_chaos.py

lint: $(STAMP)  ## ruff and mypy --strict
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

schema: $(STAMP)  ## the JSON schema of job.json, after a change of ukssdc/record/record.py
	$(BIN)/python -m ukssdc.record.schema

benchmark: $(STAMP)  ## speed and memory, as ratios
	$(BIN)/python tests/benchmarks/run.py

BENCHMARKS := campaign waiting download first_product start
bench: $(addprefix bench-,$(BENCHMARKS))  ## tables of docs/performance.md; JSON in test-results/

bench-%: $(STAMP)
	PYTHONPATH=tests/support $(BIN)/python tests/benchmarks/$*.py

clean:  ## remove what was made
	rm -rf $(VENV) .venv-* .demo .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help setup demo demo-stop test coverage test-long test-oldest test-pythons chaos test-browser lint schema benchmark bench clean
