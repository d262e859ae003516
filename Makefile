# Two commands do everything: make demo, make test. What they need, they install.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
VENDOR := src/nightlight/outlook/desk/static/vendor
CHROMIUM := /usr/bin/chromium
export UV_PROJECT_ENVIRONMENT := $(VENV)

.PHONY: help demo test check unit faults bench clean

help:
	@echo "make demo   start Nightlight and fill it with the exercise (PORT=8000)"
	@echo "make test   run every check"

# A fresh Debian or Ubuntu has Python but may lack its venv module.
$(BIN)/uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Nightlight needs Python 3.11 or newer."; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || ./scripts/install-system python3-venv
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: pyproject.toml uv.lock $(BIN)/uv
	@$(BIN)/uv sync --quiet --frozen --inexact
	@touch $@

$(VENDOR)/.installed: assets/package-lock.json assets/install.py $(VENV)/.installed
	@$(BIN)/python assets/install.py
	@touch $@

demo: $(VENV)/.installed $(VENDOR)/.installed
	@NIGHTLIGHT_HOME=$${NIGHTLIGHT_HOME:-$$HOME/.nightlight-demo} $(BIN)/nightlight demo --port $(PORT)

$(CHROMIUM):
	@./scripts/install-system chromium fonts-noto-core

check: $(VENV)/.installed
	@$(BIN)/ruff check --quiet src tests benches assets
	@$(BIN)/ruff format --quiet --check src tests benches assets
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@NIGHTLIGHT_HOME=$(CURDIR)/$(VENV)/home $(BIN)/mypy --no-error-summary  # its Django plug-in loads the settings

# Two processes, each with a PostgreSQL of its own; a file's tests stay together.
TESTS := $(BIN)/pytest -q -n 2 --dist loadfile -m "not faults"

unit: $(VENV)/.installed $(VENDOR)/.installed $(CHROMIUM)
	@$(TESTS)

faults: $(VENV)/.installed $(VENDOR)/.installed
	@$(BIN)/pytest -q -m faults tests/faults

test: check $(VENV)/.installed $(VENDOR)/.installed $(CHROMIUM)
	@$(TESTS)
	@$(BIN)/pytest -q -m faults tests/faults

bench: $(VENV)/.installed $(VENDOR)/.installed
	@$(BIN)/python benches/intake.py
	@$(BIN)/python benches/inbox.py
	@$(BIN)/python benches/rows.py

clean:
	rm -rf $(VENV) $(VENDOR) assets/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
