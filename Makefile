# Everything runs in .venv, which scripts/install.sh makes and keeps up to date.

.DEFAULT_GOAL := help
.PHONY: help install blender demo test check bench docs clean

BIN := .venv/bin
ARGS ?=

# Quick ones only: each takes seconds and prints its table.
BENCHMARKS := import_time pipeline_overhead random_access

help: ## Show this list
	@echo "maskmill: exact (image, alpha) pairs for background removal"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "New here? 'make demo' installs what it needs and shows every step on small data."
	@echo "Options:  PYTHON=python3.12   the interpreter to build .venv with (3.11 to 3.13)"
	@echo "          BLENDER_PYTHON=...  the Python 3.11 to build .venv-blender with"
	@echo "          APT=no              never install system packages"
	@echo "          ARGS='-k shards -x' more arguments for pytest"
	@echo "Then:     $(BIN)/maskmill --help, and '$(BIN)/maskmill doctor' when something is odd"

install: ## Make .venv with everything pinned; quick when nothing has changed
	@sh scripts/install.sh

blender: ## Make .venv-blender, which maskmill render needs (Python 3.11, 900 MB)
	@sh scripts/install_blender.sh

demo: install ## Make small data, run every room on it, write demo/
	@sh scripts/install_blender.sh --if-possible
	@$(BIN)/maskmill demo --out demo

test: install ## Run the tests
	@$(BIN)/python -m pytest $(ARGS)

check: install ## Check style, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@rm -rf build/lib build/types
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-compile --target build/types .
	@$(BIN)/basedpyright --pythonpath $(BIN)/python

bench: install ## Run the quick benchmarks
	@set -e; for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py; done

docs: install ## Draw the pictures and tables of the documentation again
	@if test -f scripts/make_docs.py; then $(BIN)/python scripts/make_docs.py; \
	else echo "docs: there is no scripts/make_docs.py, so nothing was drawn"; fi

clean: ## Remove .venv, .venv-blender, build/ and caches; keep demo/
	@rm -rf .venv .venv-blender build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
