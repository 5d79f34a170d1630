# Keystall: what can be done here. `make` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo up test check bench drills explore slowest format clean golden transcripts screenshots docs

VENV := .venv
BIN := $(VENV)/bin
# One more than there are cores: tests wait for processes that start and end, and a core would wait with them.
JOBS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
SUITE ?= tests
# Where it is set (images of containers do), every process of the store would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | \
		while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

# ---- a virtual environment with exactly the pinned versions, made once and again when the pins change
$(BIN)/python:
	@set -e; chosen=; \
	for candidate in python3.11 python3.12 python3.13 python3.14 python3; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then chosen=$$candidate; break; fi; \
	done; \
	if [ -z "$$chosen" ]; then echo "Keystall needs Python 3.11 or newer: install it (Debian, Ubuntu: apt install python3.11 python3.11-venv) and run make again." >&2; exit 2; fi; \
	if ! "$$chosen" -c 'import ensurepip, venv' >/dev/null 2>&1; then echo "$$chosen cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv) and run make again." >&2; exit 2; fi; \
	echo "Making $(VENV) with $$("$$chosen" --version)"; \
	rm -rf $(VENV); "$$chosen" -m venv $(VENV)

$(VENV)/.run-stamp: requirements.txt | $(BIN)/python
	@echo "Installing what the store runs on (once; a minute or two)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev-stamp: requirements-dev.txt $(VENV)/.run-stamp
	@echo "Installing the tools of the workshop"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# ---- the store
demo: $(VENV)/.run-stamp ## start everything with demo data; Ctrl-C stops it
	@exec $(BIN)/python run.py demo

up: $(VENV)/.run-stamp ## start the store in its production form
	@exec $(BIN)/python run.py up

# ---- the workshop
test: $(VENV)/.dev-stamp ## the whole test suite (SUITE=tests/unit for a part, JOBS=2 for the processes)
	@$(BIN)/python -m tests.support.browser --install
	$(BIN)/pytest -q -n $(JOBS) $(SUITE)

check: $(VENV)/.dev-stamp ## format, lint, types, import contracts, dead code, secrets, house rules, then the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/vulture
	$(BIN)/python -m tests.house
	@$(MAKE) --no-print-directory test

bench: $(VENV)/.run-stamp ## measure everything of docs/performance.md, print a table, write it to var/bench/
	$(BIN)/python run.py bench

drills: $(VENV)/.dev-stamp ## the faults that need a full disk, few file descriptors or another clock
	$(BIN)/pytest -q -p no:randomly tests/drills

explore: $(VENV)/.dev-stamp ## let the generated tests look for new cases, as long as they like
	$(BIN)/pytest -q -n $(JOBS) --hypothesis-profile=explore tests/unit tests/properties

slowest: $(VENV)/.dev-stamp ## where the time of the tests goes, in CPU seconds by folder and by test (SUITE=…)
	$(BIN)/python -m tests.house.slowest $(SUITE)

format: $(VENV)/.dev-stamp ## put the code into its one format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(VENV)/.dev-stamp ## write docs/states.md from the code, and which tests hold each invariant and fault
	$(BIN)/python -m tests.house.states
	$(BIN)/python -m tests.house.links
	$(BIN)/python -m ops.alarms.rules

golden: $(VENV)/.dev-stamp ## write the golden files of the conversation anew; look at the diff
	$(BIN)/python -m tests.golden

transcripts: $(VENV)/.dev-stamp ## conversations of a running demo, written to docs/conversations/; read them aloud
	$(BIN)/python -m tests.transcripts

screenshots: $(VENV)/.dev-stamp ## pictures of a real chat and of every page of the panel, written to docs/images/
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python -m tests.browser.panel.pictures

clean: ## remove caches and the virtual environment; var/ with its data stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
