# `make help` lists the targets. The virtual environment is .venv; stamp files in it keep a second call quick.
# Another interpreter: make install PYTHON=python3.12

PYTHON ?= python3
TEST_JOBS ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench docs pins clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## make .venv with flowsim in it, at the pinned versions
	@echo "flowsim is installed. Try: $(BIN)/flowsim --help"

demo: install ## install, then compare the variants of the nickel loop
	$(BIN)/flowsim compare scenarios/nickel_loop.yaml

test: .venv/installed-dev ## run the tests
	$(BIN)/python -m pytest -q -n $(TEST_JOBS)

lint: .venv/installed-dev ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-bench ## measure speed beside the peers
	$(BIN)/python -m benchmarks

docs: install ## write the generated pages of docs/ again
	$(BIN)/python docs/generate.py

pins: ## write constraints.txt again, from the newest versions that fit
	@set -e; new=$$(mktemp -d); trap 'rm -rf "$$new"' EXIT; \
	$(PYTHON) -m venv "$$new"; \
	"$$new/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev]'; \
	"$$new/bin/python" -m pip freeze --exclude-editable > "$$new/pins"; \
	{ sed -n '/^#/p' constraints.txt; cat "$$new/pins"; } > "$$new/constraints.txt"; \
	cp "$$new/constraints.txt" constraints.txt

clean: ## remove .venv, caches and builds
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find flowsim tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/made:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "There is no $(PYTHON) here. Name a Python 3.11 or newer: make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "flowsim needs Python 3.11 or newer; $(PYTHON) is" \
	    "$$($(PYTHON) --version 2>&1). Name a newer one: make install PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/made pyproject.toml constraints.txt
	$(PIP) --constraint constraints.txt --editable '.[all]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	@touch $@

.venv/installed-bench: .venv/installed
	$(PIP) --constraint constraints.txt --editable '.[bench]'
	@touch $@
