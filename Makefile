# `make demo` and `make test` work on a bare machine with python3 (3.11 to 3.13), gcc and make.
# `make help` lists the rest.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# tinygrad's CPU device compiles C with clang; where there is none, ziglang from PyPI stands in.
comma  := ,
USER_CC := $(if $(filter environment command,$(firstword $(origin CC))),$(CC))
EXTRAS := dev$(if $(USER_CC)$(shell command -v clang 2>/dev/null),,$(comma)cpu)

BENCHES := record kills training_kills together folding questions auditing judging large_file
PEERS   := $(VENV)/peers
# Packages of Debian; the font, so that a text is as wide everywhere.
CHROMIUM := chromium chromium-driver fonts-dejavu-core

.DEFAULT_GOAL := help
.PHONY: help venv demo test check browser format docs spec bench bench-peers clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

venv: $(VENV)/.installed ## create or reuse .venv with everything that is needed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "python 3.11 to 3.13 is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

demo: venv ## run the whole flow on a tiny model in a fresh folder
	@$(BIN)/ledger demo

test: venv ## run all tests
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal

check: venv ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

browser: ## install Chromium for tests/browser from the distribution, as root or with sudo
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then exit 0; fi; \
	fail() { echo "make browser: $$1" >&2; exit 1; }; \
	command -v apt-get >/dev/null \
	  || fail "there is no apt-get: install chromium and chromedriver of your distribution"; \
	if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; command -v sudo >/dev/null \
	  || fail "only root installs packages, and there is no sudo: apt-get install $(CHROMIUM)"; fi; \
	get="$$as apt-get install -q -y --no-install-recommends $(CHROMIUM)"; \
	$$get || { $$as apt-get update -q && $$get; } \
	  || fail "the packages $(CHROMIUM) could not be installed; the lines above say why"

format: venv ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: venv ## regenerate the reference pages
	$(BIN)/python -m ledger.cli.reference
	$(BIN)/python tests/zoo/write_page.py
	$(BIN)/python tests/faults/write_fault_page.py

spec: venv ## render this project's own ledger into spec/
	$(BIN)/ledger render

bench: venv ## measure the record, with peers in the same run; about a quarter of an hour
	@set -e; for each in $(BENCHES); do echo "== $$each" >&2; $(BIN)/python tests/bench/$$each.py; done
	@echo "== peers" >&2; $(BIN)/python tests/bench/peers.py --rounds 1 \
	  --python $$(ls $(PEERS)/bin/python 2>/dev/null || echo $(BIN)/python)

bench-peers: venv ## install the peers apart (over a gigabyte) and measure them
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check '.[bench]'
	@$(BIN)/python tests/bench/peers.py --python $(PEERS)/bin/python

clean: ## remove what can be rebuilt
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache
