# Outcry. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export DEMO_MINUTES SPEED

# Where `make install` puts things. Another name is another floor: its own user, units, settings, state and command.
name ?= kalshi
prefix ?= /opt/$(name)
INSTALLED = NAME='$(name)' PREFIX='$(prefix)' DESTDIR='$(DESTDIR)' ENVIRONMENT='$(environment)' EXTRAS='$(extras)' RESTORE='$(restore)' PYTHON='$(PYTHON)'

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast golden coverage mutants screenshots check schema bench bench-peers research soak clean install uninstall purge upgrade

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.runtime ## make the Python environment that the programs run in

demo: $(VENV)/.runtime ## run a whole floor on the embedded exchange (DEMO_MINUTES=3, REPLAY=FILE…, SPEED=10)
	@bin/demo $(foreach file,$(REPLAY),--replay $(file))

test: $(VENV)/.tests $(if $(OUTCRY_BOX),$(VENV)/.wheels) ## run all tests, fast ones first, and say how long each layer took
	@$(BIN)/python tests/layers.py

test-fast: $(VENV)/.tests ## run the tests that start no process
	@$(BIN)/python tests/layers.py unit

golden: $(VENV)/.tests ## write the whole texts that tests compare with (tests/golden/) anew; read what git diff says then
	@OUTCRY_GOLDEN=1 $(BIN)/python -m pytest tests/desk/test_report_whole.py tests/desk/test_briefing.py

coverage: $(VENV)/.tests ## measure what of the rooms that money depends on the unit tests walk through
	@$(BIN)/python tests/covered.py

mutants: $(VENV)/.tests ## change domain/ and risk/ a little, some two thousand ways: do their tests notice? (half an hour)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,mutants]'
	@$(BIN)/python tests/mutants.py

screenshots: $(VENV)/.tests ## photograph a running demo into docs/pictures/ (needs Chromium; three minutes)
	@$(BIN)/python tests/screenshots.py 3

check: $(VENV)/.checks ## lint, types, doctests
	$(BIN)/ruff check bin lib tests bench
	$(BIN)/ruff format --check bin lib tests bench
	$(BIN)/mypy
	$(BIN)/python -m pytest -q --doctest-modules lib -p no:cacheprovider

schema: $(VENV)/.runtime ## write sql/schema.sql anew from the migrations
	@$(BIN)/python -m outcry.store.schema

bench: $(VENV)/.runtime ## measure the speeds, each beside its peer or bound
	@$(BIN)/python bench/run.py

bench-peers: $(VENV)/.runtime ## install engines of others into .peers, for make bench to measure beside ours; nothing needs them
	@test -x .peers/bin/python || $(PYTHON) -m venv .peers >/dev/null 2>&1 || ./etc/get-venv $(PYTHON) .peers
	@missing=; for peer in hftbacktest==2.4.4 nautilus_trader==1.221.0; do \
		.peers/bin/python -m pip install --quiet --disable-pip-version-check $$peer >.peers/pip.log 2>&1 || missing="$$missing $$peer"; \
	done; [ -z "$$missing" ] || { echo "not to be had from this package index:$$missing (.peers/pip.log)" >&2; exit 1; }
	@echo "make bench measures them beside ours now"

research: $(VENV)/.tests ## run every strategy over the recordings of OUTCRY_RECORDINGS; writes the tables of docs/strategies.md
	@nice $(BIN)/python bench/all_strategies.py

soak: $(VENV)/.runtime ## run a floor at ten times its load (SOAK_MINUTES=60): memory and files by program, and a verdict
	@$(BIN)/python bench/soak.py --minutes $(or $(SOAK_MINUTES),60)

install: ## as root: install it (prefix=/opt/kalshi, environment=embedded, name=kalshi, extras='alerts research', DESTDIR=)
	@$(INSTALLED) etc/install

upgrade: ## as root: bring what is installed to this build: back up, halt, install, migrate, smoke test, go on
	@$(INSTALLED) etc/upgrade

uninstall: ## as root: remove what install put there; settings and state stay
	@$(INSTALLED) etc/uninstall

purge: ## as root: remove settings and state too, after saying what and asking
	@$(INSTALLED) etc/uninstall purge

clean: ## remove the Python environment and caches (state/ stays)
	rm -rf $(VENV) .peers .pytest_cache .ruff_cache .mypy_cache .hypothesis build lib/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Outcry needs Python 3.11 or newer; try make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); ./etc/get-venv $(PYTHON) $(VENV); }
	@touch $@

$(VENV)/.runtime: $(VENV)/.python pyproject.toml
	@echo "installing what the programs need …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[web]'
	@touch $@

$(VENV)/.tests: $(VENV)/.runtime
	@echo "installing what the tests need …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

# What the programs need as wheels, for tests that install without a network, and the system that they install on.
$(VENV)/.wheels: $(VENV)/.runtime etc/needs
	@echo "fetching what the box tests install …" >&2
	@rm -rf $@ && $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --wheel-dir $@.new \
		$$($(BIN)/python etc/needs pyproject.toml)
	@$(OUTCRY_BOX) image >/dev/null
	@mv $@.new $@

$(VENV)/.checks: $(VENV)/.tests
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,check]'
	@touch $@
