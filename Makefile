# Everything a developer or a curious person needs; each target works on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
LEDGER ?= files
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test lint bench simulate format clean

$(BIN)/puntual:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Puntual needs Python 3.11 or newer; say make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.stubs: $(BIN)/puntual
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[stubs]'
	@touch $@

$(VENV)/.dev: $(BIN)/puntual pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# make demo LEDGER=odoo, quickbooks or xero: on a stand-in of that ledger.
demo: $(if $(filter-out files,$(LEDGER)),$(VENV)/.stubs,$(BIN)/puntual)
	@$(BIN)/puntual demo --dir demo --ledger $(LEDGER)

# One more than there are cores: some of the tests wait for processes and servers of their own.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy .src/puntual

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench $(ARGS)

# make simulate SEEDS=1000 FROM=1: the worker under faults, on all cores; SEED=42 for the story of one. See docs/simulation.md.
SEEDS ?= 1000
FROM  ?= 1
simulate: $(VENV)/.dev
	@PYTHONPATH=tests $(BIN)/python -m simulation.simulate $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --from $(FROM)) $(if $(BUG),--bug $(BUG))

clean:
	rm -rf $(VENV) demo build dist *.egg-info
