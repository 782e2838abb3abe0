# `make` alone lists the targets. Everything works with python3.11 and make; images also need a Docker engine.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CONNECTORS := $(sort $(patsubst connectors/%/pyproject.toml,%,$(wildcard connectors/source-*/pyproject.toml)))
# The folders that are linted, typed and tested, each on its own.
PACKAGES := source-kit $(addprefix connectors/,$(CONNECTORS))
CHECKED := $(PACKAGES) acceptance-tests loading tools examples/airflow

PYTHON ?= $(shell for name in python3.11 python3 python; do \
	if $$name -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then echo $$name; break; fi; done)
BIN := $(CURDIR)/.venv/bin

# Arguments for pytest, `make test PYTEST_ARGS="-k leads -x"` for instance; WORKERS=0 runs the tests in one process.
PYTEST_ARGS ?=
WORKERS ?= auto
MYPY := $(BIN)/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadscope $(PYTEST_ARGS)

.PHONY: help
help: ## keep: list the targets (this text)
	@awk -f tools/help.awk $(firstword $(MAKEFILE_LIST))
	@echo "NAME is one of: $(CONNECTORS:source-%=%)"

# --- environment ------------------------------------------------------------------------------------------------

.PHONY: install
install: .venv/.installed ## use: make .venv with the locked tools, source-kit and all connectors

.venv/.locked: requirements-dev.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed; pass PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# source-kit is not published: nothing here may be looked up in a package index.
# The compatible form of an editable install is a plain path, which mypy follows and which costs no import hook.
# Tests start hundreds of connectors and emulators, which would compile themselves where PYTHONDONTWRITEBYTECODE is set.
.venv/.installed: .venv/.locked $(addsuffix /pyproject.toml,$(PACKAGES))
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-index --no-deps --no-build-isolation \
		--config-settings editable_mode=compat $(addprefix --editable ./,$(PACKAGES))
	@$(BIN)/python -m compileall -q source-kit/source_kit $(wildcard connectors/*/source_*) acceptance-tests/emulators
	@touch $@

# $(call environment,FOLDER,LOCK,OPTIONS): an environment of its own with what a lock holds.
define environment
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed; pass PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(1)
	$(1)/bin/python -m pip --disable-pip-version-check install --quiet $(3) --require-hashes -r $(2)
	@touch $(1)/.installed
endef

.PHONY: lock
lock: .venv/.locked ## keep: resolve the requirements*.lock files anew (asks the package index)
	$(BIN)/python tools/lock.py

# --- checks -----------------------------------------------------------------------------------------------------

.PHONY: format
format: .venv/.locked ## change: rewrite the code in the house format
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format .

.PHONY: lint
lint: install type declared ## change: check style, format, types and declared dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: type
type: install ## change: check the types strictly
	@failed=; for folder in $(CHECKED); do echo "mypy $$folder"; (cd $$folder && $(MYPY) .) || failed=yes; done; test -z "$$failed"

# An exception goes into `tool.deptry.per_rule_ignores` of the package's pyproject.toml, with its reason beside it.
.PHONY: declared
declared: install ## change: compare the dependencies that each package declares with those that it imports
	@failed=; for folder in $(PACKAGES); do name=$$(basename $$folder | tr - _); echo "deptry $$folder"; \
		(cd $$folder && $(BIN)/deptry --no-ansi --known-first-party $$name $$name) || failed=yes; done; test -z "$$failed"

.PHONY: test
test: install ## change: run unit, emulator and small acceptance tests against the console scripts
	$(PYTEST) -m "not image and not slow and not bench" source-kit/tests connectors
	cd acceptance-tests && $(PYTEST) emulator_tests packaging_tests tests

# --- images -----------------------------------------------------------------------------------------------------

.PHONY: base-image
base-image: ## use: make a base image from Debian packages (where no image registry answers; needs root)
	tools/base-image

.PHONY: images
images: $(CONNECTORS:source-%=image-%) ## use: build the images of all connectors

image-%: install ## use: build the image of one connector (tags: dev, latest, its version)
	$(BIN)/python tools/build_image.py source-$*

# --- the large runs ---------------------------------------------------------------------------------------------

# SIZE=small: the small accounts, for a gate that must be quick.
SIZE ?= full

.PHONY: acceptance
acceptance: images ## sure: build the images and run the whole acceptance suite against them
	cd acceptance-tests && $(PYTEST) --via image --size $(SIZE) tests

acceptance-%: image-% ## sure: the same for one connector
	cd acceptance-tests && $(PYTEST) --via image --size $(SIZE) --connector $* tests

CONFORMING := $(or $(CONNECTOR),closeio)
.PHONY: conformance
conformance: image-$(CONFORMING) ## sure: replay what the Airbyte platform does with an image's output (CONNECTOR=kustomer: another)
	cd acceptance-tests && $(BIN)/python -m platform_replay --connector $(CONFORMING) --via image

MUTATIONS ?= 2000
SEED ?= 1
# With `=`: a table of an earlier run, given as a word of its own, would move the root that pytest looks for.
.PHONY: thorough
thorough: install ## sure: every scenario against the console scripts, a table of seconds and results in build/ (SHARE=2/10: the third tenth)
	cd acceptance-tests && $(PYTEST) --thorough $(if $(SHARE),--share=$(SHARE)) --kills=$(or $(KILLS),60) \
		--table=$(CURDIR)/build/thorough.txt packaging_tests tests

.PHONY: mutations
mutations: install ## sure: read every account under random mutations of its answers (CONNECTOR=, MUTATIONS=2000, SEED=1, MUTATION_SECONDS=)
	@cd acceptance-tests && $(BIN)/python -m mutator $(addprefix --connector ,$(CONNECTOR)) --mutations $(MUTATIONS) \
		--seed $(SEED) $(if $(MUTATION_SECONDS),--seconds $(MUTATION_SECONDS))

# SAMPLE=0: every mutant. TARGETS="keyset oauth": which modules (tools/mutants.py lists them).
SAMPLE ?= 40
.PHONY: mutants
mutants: install ## sure: change the code in small ways and tell which changes no unit test notices (TARGETS=, SAMPLE=40, SEED=1)
	$(BIN)/python tools/mutants.py $(TARGETS) --sample $(SAMPLE) --seed $(SEED)

.PHONY: bench
bench: install ## sure: measure against the floor script; prints the ratios
	cd acceptance-tests && $(BIN)/python -m benchmarks $(BENCH_ARGS)

.PHONY: demo
demo: install ## see: emulator, spec, check, discover, full read, changes, incremental read: as a table
	cd acceptance-tests && PATH="$(BIN):$$PATH" $(BIN)/python -m demo $(DEMO_ARGS)

.PHONY: real
real: install ## sure: serve the answers of live accounts through all connectors and validate every record (CONNECTOR=closeio: one)
	cd acceptance-tests && PATH="$(BIN):$$PATH" $(BIN)/python -m recorded_shapes $(if $(CONNECTOR),--connector $(CONNECTOR))

.PHONY: register
register: install ## use: add the images to an Airbyte as custom sources (CONNECTOR=closeio: one; DRY_RUN=1: print the requests)
	@PYTHONPATH=tools $(BIN)/python -m register $(CONNECTOR) $(if $(DRY_RUN),--dry-run) $(REGISTER_ARGS)

.PHONY: example-dlt
example-dlt: install examples/dlt/.venv/.locked ## load: load an emulated account with dlt, change it, load again, compare
	examples/dlt/.venv/bin/python -B examples/dlt/check.py $(BIN)/source-closeio

examples/dlt/.venv/.locked: examples/dlt/requirements.lock
	$(BIN)/python -m venv --clear examples/dlt/.venv
	examples/dlt/.venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

# --- Airbyte's own checks ---------------------------------------------------------------------------------------

.venv-airbyte-qa/.installed: requirements-airbyte-qa.lock
	$(call environment,.venv-airbyte-qa,$<,--no-deps)

.venv-airbyte-tests/.installed: requirements-airbyte-tests.lock
	$(call environment,.venv-airbyte-tests,$<)

.PHONY: airbyte-qa
airbyte-qa: install .venv-airbyte-qa/.installed ## sure: run Airbyte's QA suite and metadata validator; refusals need a written reason
	PYTHONPATH=tools $(BIN)/python -B -m airbyte_qa --python .venv-airbyte-qa/bin/python

.PHONY: airbyte-tests
airbyte-tests: install .venv-airbyte-tests/.installed ## sure: run `airbyte-cdk connector test` in each connector's folder (VIA=image: `image test` on the images)
	cd acceptance-tests && $(BIN)/python -m airbyte_command_line --bin $(CURDIR)/.venv-airbyte-tests/bin \
		$(if $(VIA),--via $(VIA)) $(if $(CONNECTOR),--connector $(CONNECTOR))

# --- releases ---------------------------------------------------------------------------------------------------

.venv-release/.installed: requirements-release.lock
	$(call environment,.venv-release,$<)

SBOM := PYTHONPATH=tools .venv-release/bin/python -B -m sbom

.PHONY: dist
dist: install .venv-release/.installed ## use: make dist/: wheels that install without an index, what they need, SBOM, licences
	$(BIN)/python -B tools/build_dist.py
	$(SBOM) wheels dist

.PHONY: test-dist
test-dist: install ## sure: install what `make dist` has made into clean environments and read emulated accounts (DIST_ARGS="--way lean")
	cd acceptance-tests && $(BIN)/python -m installed_wheels --dist ../dist $(DIST_ARGS)

.PHONY: sbom
sbom: images .venv-release/.installed ## use: write SBOM and list of licences of each image into build/images/
	$(SBOM) image $(CONNECTORS)

.PHONY: audit
audit: .venv-release/.installed ## sure: look up what is known against the packages that are shipped; fails where no database answers, and says so
	.venv-release/bin/python -B tools/audit.py requirements-dist.lock requirements-image.lock

.PHONY: example-airflow
example-airflow: install examples/airflow/.venv/.locked ## load: load twelve emulated accounts with Airflow on Celery, kill a worker, compare every table
	cd examples/airflow && .venv/bin/python -B -m pytest
	cd examples/airflow && PATH="$(BIN):$$PATH" .venv/bin/python -B check.py

examples/airflow/.venv/.locked: examples/airflow/requirements.lock .venv/.locked
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python examples/airflow/.venv
	$(BIN)/uv pip install --quiet --python examples/airflow/.venv --require-hashes --requirements $<
	@touch $@

# --- loading ----------------------------------------------------------------------------------------------------

# PyAirbyte has an environment of its own: it runs the connectors of .venv as users do, from outside. The lock is whole;
# with dependencies pip would want hashes of other versions for the extras that it names without.
LOADING := $(CURDIR)/.venv-loading/bin

.venv-loading/.installed: requirements-loading.lock
	$(call environment,.venv-loading,$<,--no-deps)

.PHONY: test-loading
test-loading: install .venv-loading/.installed ## sure: load every connector into DuckDB and PostgreSQL and compare (WAREHOUSE=duckdb: only there; VIA=image: the images)
	cd loading && $(LOADING)/python -m pytest -v $(if $(VIA),--via $(VIA)) $(if $(WAREHOUSE),--warehouse $(WAREHOUSE)) $(PYTEST_ARGS)

# dbt has an environment of its own as well.
.venv-models/.installed: requirements-models.lock
	$(call environment,.venv-models,$<,--no-deps)

WAREHOUSE_ENVIRONMENTS := install .venv-loading/.installed .venv-models/.installed
LOAD = cd loading && PYTHONPATH=../acceptance-tests $(LOADING)/python -m warehouse $(if $(VIA),--via $(VIA))

.PHONY: models
models: $(WAREHOUSE_ENVIRONMENTS) ## load: load small emulated accounts, build the dbt models on them and test them (WAREHOUSE=postgres: there)
	$(LOAD) --small --warehouse $(or $(WAREHOUSE),duckdb) $(DEMO_ARGS)
	cd loading && $(LOADING)/python -m pytest -m models --warehouse $(or $(WAREHOUSE),duckdb) $(PYTEST_ARGS)

.PHONY: demo-duckdb
demo-duckdb: $(WAREHOUSE_ENVIRONMENTS) ## load: load the emulated accounts into one DuckDB file, build the models, answer questions, write a report
	$(LOAD) --warehouse duckdb $(DEMO_ARGS)

.PHONY: demo-postgres
demo-postgres: $(WAREHOUSE_ENVIRONMENTS) ## load: the same on a PostgreSQL server of its own
	$(LOAD) --warehouse postgres $(DEMO_ARGS)

.PHONY: test-report
test-report: .venv-loading/.installed ## sure: open the report of the demos in headless Chromium, without network
	cd loading && $(LOADING)/python -m pytest -m browser $(PYTEST_ARGS)

# --- pictures of the documents ----------------------------------------------------------------------------------

# Both are kept in git. Graphviz, which lays the diagrams out, comes with a Python package: no package of the system is
# needed, and the drawings are the same wherever they are made.
.PHONY: diagrams
diagrams: install ## keep: draw docs/diagrams/*.svg anew, from the catalogs and each connector's relations.yaml
	cd acceptance-tests && $(BIN)/python -m diagrams $(if $(CONNECTOR),--connector $(CONNECTOR))

.PHONY: cast
cast: install ## keep: record the demo's terminal anew as docs/demo.svg
	cd acceptance-tests && $(BIN)/python -m demo.cast

.PHONY: clean
clean: ## keep: remove .venv, caches and build products
	rm -rf .venv .venv-* examples/dlt/.venv examples/airflow/.venv dist
	find . -path ./.git -prune -o -type d \( -name __pycache__ -o -name '*.egg-info' -o -name '.*_cache' \
		-o -name .hypothesis -o -name build \) -prune -print0 | xargs -0 rm -rf
