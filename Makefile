# Two commands do everything: make demo, make test. What they need, they install.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
VENDOR := src/nightlight/outlook/desk/static/vendor
CHROMIUM := /usr/bin/chromium
CXX := /usr/bin/c++
JAVA := /usr/bin/java
NATIVE := src/nightlight/foundation/native
export UV_PROJECT_ENVIRONMENT := $(VENV)
# Where Python may not keep what it compiles, each of hundreds of processes compiles everything anew: make test takes
# a third longer. Empty means that it may.
export PYTHONDONTWRITEBYTECODE :=

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

# The third-party programs that tests and benches compare with; one of them is compiled while it is installed.
$(VENV)/.peers: $(VENV)/.installed $(CXX)
	@$(BIN)/python -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
		|| ./scripts/install-system python3-dev
	@$(BIN)/uv sync --quiet --frozen --inexact --group peers --group spark
	@touch $@

# Optional: without a compiler everything works, more slowly, with the same answers.
$(VENV)/.native: $(VENV)/.installed scripts/build-native $(wildcard $(NATIVE)/*.c $(NATIVE)/*.h)
	@$(BIN)/python scripts/build-native
	@touch $@

$(VENDOR)/.installed: assets/package-lock.json assets/install.py $(VENV)/.installed
	@$(BIN)/python assets/install.py
	@touch $@

demo: $(VENV)/.installed $(VENV)/.native $(VENDOR)/.installed
	@NIGHTLIGHT_HOME=$${NIGHTLIGHT_HOME:-$$HOME/.nightlight-demo} $(BIN)/nightlight demo --port $(PORT)

$(CHROMIUM):
	@./scripts/install-system chromium fonts-noto-core

$(CXX):
	@./scripts/install-system g++

# Spark runs on it; only the test that joins on Spark needs either.
$(JAVA):
	@./scripts/install-system default-jre-headless || echo "There is no Java here: the test that joins on Spark is left out."

check: $(VENV)/.installed $(VENV)/.peers
	@$(BIN)/ruff check --quiet src tests benches assets
	@$(BIN)/ruff format --quiet --check src tests benches assets
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@NIGHTLIGHT_HOME=$(CURDIR)/$(VENV)/home $(BIN)/mypy --no-error-summary  # its Django plug-in loads the settings

# Three processes, each with a PostgreSQL of its own, for two cores: they wait for one another and for servers. A file's tests
# stay together, but for the longest (see config/testing.py, which says in what order, too).
TESTS := $(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not faults"

# Two at once: what they mostly do is wait until a step is given back whose worker was killed.
FAULTS := $(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m faults tests/faults

# The compiler comes first: tests ask both paths of the core.
READY := $(VENV)/.installed $(VENV)/.peers $(CXX) $(JAVA) $(VENV)/.native $(VENDOR)/.installed $(CHROMIUM)

unit: $(READY)
	@$(TESTS)

faults: $(VENV)/.installed $(VENV)/.native $(VENDOR)/.installed
	@$(FAULTS)

test: check $(READY)
	@$(TESTS)
	@$(FAULTS)

bench: $(READY)
	@$(BIN)/python benches/intake.py
	@$(BIN)/python benches/inbox.py
	@$(BIN)/python benches/rows.py
	@$(BIN)/python benches/matching.py
	@$(BIN)/python benches/linking.py
	@$(BIN)/python benches/triage.py
	@$(BIN)/python benches/routing.py
	@$(BIN)/python benches/referral.py

clean:
	rm -rf $(VENV) $(VENDOR) assets/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
