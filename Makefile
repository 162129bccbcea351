# Ripost: everything a checkout can do. Needs make and Python 3.11 or newer with venv; each target sets up the rest.
#
#   make run       the demo at http://127.0.0.1:8000 (ARGS="--port 8080" to change what it is given)
#   make test      every test, on two cores; ARGS="tests/storage -k log" for some, RIPOST_TEST_SKIP=browser,node,postgres,redis for fewer
#   make check     ruff, mypy --strict, tsc --checkJs
#   make bench     Ripost beside its peers, into docs/performance.md; ARGS="posts slow" for parts, ARGS=--quick for a look
#   make screens   screenshots of the page into screens/
#   make speed     how fast the page is in a browser, against its goals (wants the machine for itself)
#   make clean     removes what these made

.DEFAULT_GOAL := help
.PHONY: run test check bench screens speed clean help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: errors only.
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
ARGS ?=

# The interpreter that .venv is made with: PYTHON if given, else the first that is new enough and has venv.
define find_python
	for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
		"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		recent="$${recent:-$$candidate}"; \
		if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$recent" ]; then \
		found=$$($(or $(PYTHON),python3) --version 2>/dev/null); \
		echo "Ripost needs Python 3.11 or newer; found here: $${found:-none} (make PYTHON=/path/to/python3.12 names another)." >&2; exit 1; \
	fi; \
	if [ -z "$$python" ]; then \
		case "$$recent" in python3.*) package="$$recent-venv";; *) package=python3-venv;; esac; \
		echo "Ripost needs Python's venv module, which is in the package $$package on Debian and Ubuntu (apt install $$package)." >&2; exit 1; \
	fi
endef

# An environment that was left half made, or whose Python is gone or too old, is made again.
define make_venv
	if ! $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		$(find_python); \
		rm -rf $(VENV); \
		"$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; \
	fi
endef

help:
	@sed -n 's/^#   //p' Makefile

run: $(VENV)/.installed-run
	@exec $(BIN)/python -m server demo $(ARGS)

test: $(VENV)/.installed-test
	@$(BIN)/python -m tests.support.provision
	@exec $(BIN)/python -m pytest $(or $(ARGS),-n 2 --dist worksteal)

check: $(VENV)/.installed-test
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/python -m tests.support.typecheck

bench: $(VENV)/.installed-test
	@exec $(BIN)/python -m tests.bench $(ARGS)

screens: $(VENV)/.installed-test
	@$(BIN)/python -m tests.support.provision --only browser
	@exec $(BIN)/python -m tests.support.screens $(ARGS)

speed: $(VENV)/.installed-test
	@$(BIN)/python -m tests.support.provision --only browser
	@exec $(BIN)/python -m pytest -m speed -s tests/browser/test_speed.py $(ARGS)

clean:
	@rm -rf $(VENV) node_modules package-lock.json screens tests/artifacts build dist *.egg-info
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find server tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# Stamps: a second run starts at once, a changed pyproject.toml installs again.
$(VENV)/.installed-run: pyproject.toml
	@$(make_venv)
	@echo "Setting up Ripost in $(VENV) (once) ..."
	@$(PIP) install --editable . || { echo "Setting up failed: pip could not install what pyproject.toml names (see above)." >&2; exit 1; }
# Packs the page's files; where there is no such package the page is served in more and larger files.
	@$(PIP) install --only-binary :all: 'brotli>=1.2,<2' 'minify-go>=2.24.24,<3' 2>/dev/null || true
	@touch $@

$(VENV)/.installed-test: pyproject.toml
	@$(make_venv)
	@echo "Setting up Ripost and its tests in $(VENV) (once) ..."
	@$(PIP) install --editable '.[postgres,redis,test,check]' || { echo "Setting up failed: pip could not install what pyproject.toml names (see above)." >&2; exit 1; }
	@touch $@ $(VENV)/.installed-run
