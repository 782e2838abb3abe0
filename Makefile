# `make` alone lists the targets. Everything works with python3.11 and make; images also need a Docker engine.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CONNECTORS := $(sort $(patsubst connectors/%/pyproject.toml,%,$(wildcard connectors/source-*/pyproject.toml)))
# The folders that are linted, typed and tested, each on its own.
PACKAGES := source-kit $(addprefix connectors/,$(CONNECTORS))
CHECKED := $(PACKAGES) acceptance-tests loading tools

PYTHON ?= $(shell for name in python3.11 python3 python; do \
	if $$name -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then echo $$name; break; fi; done)
BIN := $(CURDIR)/.venv/bin

# Arguments for pytest, `make test PYTEST_ARGS="-k leads -x"` for instance; WORKERS=0 runs the tests in one process.
PYTEST_ARGS ?=
WORKERS ?= auto
MYPY := $(BIN)/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadscope $(PYTEST_ARGS)

.PHONY: help
help: ## list the targets (this text)
	@awk -F ':.*## ' '/^[a-zA-Z%-]+:.*## / {sub("%", "NAME", $$1); printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "  NAME is one of: $(CONNECTORS:source-%=%)"

# --- environment ------------------------------------------------------------------------------------------------

.PHONY: install
install: .venv/.installed ## make .venv with the locked tools, source-kit and all connectors

.venv/.locked: requirements-dev.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed; pass PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# source-kit is not published: nothing here may be looked up in a package index.
# The compatible form of an editable install is a plain path, which mypy follows and which costs no import hook.
.venv/.installed: .venv/.locked $(addsuffix /pyproject.toml,$(PACKAGES))
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-index --no-deps --no-build-isolation \
		--config-settings editable_mode=compat $(addprefix --editable ./,$(PACKAGES))
	@touch $@

.PHONY: lock
lock: .venv/.locked ## resolve the requirements*.lock files anew (asks the package index)
	$(BIN)/python tools/lock.py

# --- checks -----------------------------------------------------------------------------------------------------

.PHONY: format
format: .venv/.locked ## rewrite the code in the house format
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format .

.PHONY: lint
lint: install type ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: type
type: install ## check the types strictly
	@failed=; for folder in $(CHECKED); do echo "mypy $$folder"; (cd $$folder && $(MYPY) .) || failed=yes; done; test -z "$$failed"

.PHONY: test
test: install ## run unit, emulator and small acceptance tests against the console scripts
	$(PYTEST) -m "not image and not slow and not bench" source-kit/tests connectors
	cd acceptance-tests && $(PYTEST) emulator_tests packaging_tests tests

# --- images -----------------------------------------------------------------------------------------------------

.PHONY: base-image
base-image: ## make a base image from Debian packages (where no image registry answers; needs root)
	tools/base-image

.PHONY: images
images: $(CONNECTORS:source-%=image-%) ## build the images of all connectors

image-%: install ## build the image of one connector (tags: dev, latest, its version)
	$(BIN)/python tools/build_image.py source-$*

# --- the large runs ---------------------------------------------------------------------------------------------

# SIZE=small: the small accounts, for a gate that must be quick.
SIZE ?= full

.PHONY: acceptance
acceptance: images ## build the images and run the whole acceptance suite against them
	cd acceptance-tests && $(PYTEST) --via image --size $(SIZE) tests

acceptance-%: image-% ## the same for one connector
	cd acceptance-tests && $(PYTEST) --via image --size $(SIZE) --connector $* tests

CONFORMING := $(or $(CONNECTOR),closeio)
.PHONY: conformance
conformance: image-$(CONFORMING) ## replay what the Airbyte platform does with an image's output (CONNECTOR=kustomer: another)
	cd acceptance-tests && $(BIN)/python -m platform_replay --connector $(CONFORMING) --via image

MUTATIONS ?= 2000
SEED ?= 1
.PHONY: mutations
mutations: install ## read every account under random mutations of its answers (CONNECTOR=, MUTATIONS=2000, SEED=1)
	@failed=; for name in $(or $(CONNECTOR),$(CONNECTORS:source-%=%)); do \
		(cd acceptance-tests && $(BIN)/python -m mutator --connector $$name --mutations $(MUTATIONS) --seed $(SEED)) \
		|| failed=yes; done; test -z "$$failed"

# SAMPLE=0: every mutant. TARGETS="keyset oauth": which modules (tools/mutants.py lists them).
SAMPLE ?= 40
.PHONY: mutants
mutants: install ## change the code in small ways and tell which changes no unit test notices (TARGETS=, SAMPLE=40, SEED=1)
	$(BIN)/python tools/mutants.py $(TARGETS) --sample $(SAMPLE) --seed $(SEED)

.PHONY: bench
bench: install ## measure against the floor script; prints the ratios
	cd acceptance-tests && $(BIN)/python -m benchmarks $(BENCH_ARGS)

.PHONY: demo
demo: install ## emulator, spec, check, discover, full read, changes, incremental read: as a table
	cd acceptance-tests && PATH="$(BIN):$$PATH" $(BIN)/python -m demo $(DEMO_ARGS)

.PHONY: real
real: install ## serve the answers of live accounts through all connectors and validate every record (CONNECTOR=closeio: one)
	cd acceptance-tests && PATH="$(BIN):$$PATH" $(BIN)/python -m recorded_shapes $(if $(CONNECTOR),--connector $(CONNECTOR))

.PHONY: register
register: install ## add the images to an Airbyte as custom sources (CONNECTOR=closeio: one; DRY_RUN=1: print the requests)
	@PYTHONPATH=tools $(BIN)/python -m register $(CONNECTOR) $(if $(DRY_RUN),--dry-run) $(REGISTER_ARGS)

.PHONY: example-dlt
example-dlt: install examples/dlt/.venv/.locked ## load an emulated account with dlt, change it, load again, compare
	examples/dlt/.venv/bin/python -B examples/dlt/check.py $(BIN)/source-closeio

examples/dlt/.venv/.locked: examples/dlt/requirements.lock
	$(BIN)/python -m venv --clear examples/dlt/.venv
	examples/dlt/.venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

# --- loading ----------------------------------------------------------------------------------------------------

# PyAirbyte has an environment of its own: it runs the connectors of .venv as users do, from outside. The lock is whole;
# with dependencies pip would want hashes of other versions for the extras that it names without.
LOADING := $(CURDIR)/.venv-loading/bin

.venv-loading/.installed: requirements-loading.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed; pass PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv-loading
	$(LOADING)/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r $<
	@touch $@

.PHONY: test-loading
test-loading: install .venv-loading/.installed ## load every connector into DuckDB and PostgreSQL and compare (WAREHOUSE=duckdb: only there; VIA=image: the images)
	cd loading && $(LOADING)/python -m pytest $(if $(VIA),--via $(VIA)) $(if $(WAREHOUSE),--warehouse $(WAREHOUSE)) $(PYTEST_ARGS)

.PHONY: test-report
test-report: .venv-loading/.installed ## open the report of demo-duckdb in headless Chromium, without network
	cd loading && $(LOADING)/python -m pytest --browser $(PYTEST_ARGS)

.PHONY: demo-duckdb
demo-duckdb: install .venv-loading/.installed ## load the emulated accounts into one DuckDB file, answer questions in SQL, write a report
	cd loading && PYTHONPATH=../acceptance-tests $(LOADING)/python -m warehouse $(if $(VIA),--via $(VIA)) $(DEMO_ARGS)

.PHONY: clean
clean: ## remove .venv, caches and build products
	rm -rf .venv .venv-loading examples/dlt/.venv
	find . -path ./.git -prune -o -type d \( -name __pycache__ -o -name '*.egg-info' -o -name '.*_cache' \
		-o -name .hypothesis -o -name build \) -prune -print0 | xargs -0 rm -rf
