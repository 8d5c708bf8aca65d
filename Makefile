# Two commands are enough: `make demo` (the whole loop on a simulated bank) and `make test` (every check).
# Both set up their own .venv first. PYTHON picks the interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps

# what is set for other programs would put their packages before ours
unexport PYTHONHOME PYTHONPATH PYTHONSAFEPATH
# images and machines set it often; then each of a hundred processes compiles MLflow, Feast and Prefect anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: always demo test test-containers check lock docs docs-site results pictures notebook bench-features bench-incremental bench-online bench-deciding bench-allocation bench-journeys bench-models bench-serving bench-soak bench-console clean help
.DEFAULT_GOAL := help

help:  ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# written only when the environment is made anew: because it was moved, its Python is gone, or PYTHON names another
$(STAMPS)/environment: always
	@command -v $(PYTHON) >/dev/null || { echo "there is no $(PYTHON) here: install Python 3.11 or newer, or name it by PYTHON="; exit 1; }
	@$(PYTHON) -m install.environment $(VENV) $(if $(filter file,$(origin PYTHON)),,this)

$(STAMPS)/uv: bootstrap.lock $(STAMPS)/environment
	@$(BIN)/python -m install.packages bootstrap.lock
	@touch $@

$(STAMPS)/run: $(STAMPS)/uv requirements.lock
	@$(BIN)/python -m install.packages requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: $(STAMPS)/run requirements-dev.lock
	@$(BIN)/python -m install.packages requirements-dev.lock
	@touch $@

demo: $(STAMPS)/run  ## simulate a bank and run the whole loop: log, features, models, decisions, report
	$(BIN)/nbo --bank banks/demo run

docs: $(STAMPS)/run  ## write the references of features, configuration and commands anew
	$(BIN)/python -m nbo.documents

# a home of its own, so that the page does not depend on what was trained before; NBO_DATA names the folder above bpi2012/
results: override export NBO_HOME := .nbo/results
results: $(STAMPS)/run  ## run both banks from nothing and write docs/results.md
	rm -rf .nbo/results
	$(BIN)/nbo --bank banks/demo run
	$(BIN)/nbo --bank banks/demo train --as earlier --as-of 2026-02-21
	$(BIN)/nbo --bank banks/demo evaluate earlier
	$(BIN)/nbo --bank banks/bpi2012 run
	$(BIN)/python -m nbo.documents.results

$(STAMPS)/docs: $(STAMPS)/dev requirements-docs.lock
	@$(BIN)/python -m install.packages requirements-docs.lock
	@touch $@

docs-site: $(STAMPS)/docs docs  ## build the pages of docs/ as a site in .site/html
	$(BIN)/python -m nbo.documents.site
	NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict

pictures: $(STAMPS)/dev  ## take the pictures of docs/console on the demo bank's finished state; needs a Chromium
	$(BIN)/python -m tests.console.pictures

notebook: $(STAMPS)/dev  ## execute examples/compare_models.ipynb on the demo bank's finished state
	$(BIN)/python -m nbo.documents.notebook

check: $(STAMPS)/dev  ## ruff, strict types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: check  ## every check, doctest and test
	$(BIN)/python -m pytest

test-containers: $(STAMPS)/dev  ## build and run deploy/ as its guide says, with docker or podman; STAND_INS=1 where no registry of images is reached: some 15 minutes
	$(BIN)/python -m tests.containers

# one version of everything for all Pythons, so that what types and tests say on one holds on the others
COMPILE := $(BIN)/uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: $(STAMPS)/uv  ## resolve the dependencies of pyproject.toml anew
	$(COMPILE) --group bootstrap -o bootstrap.lock
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra redis --extra postgres --extra kafka --extra tune -o requirements-servers.lock -c requirements.lock
	$(COMPILE) pyproject.toml --group dev -o requirements-dev.lock -c requirements-servers.lock
	$(COMPILE) --group docs -o requirements-docs.lock -c requirements-dev.lock

bench-features: $(STAMPS)/dev  ## the feature kernel beside DuckDB, Polars and pandas: some 20 minutes, 10 GB of disk
	$(BIN)/python -m benchmarks.features

bench-incremental: $(STAMPS)/dev  ## one more day of features on top of a year beside the build of the whole: a quarter of an hour, 5 GB of disk
	$(BIN)/python -m benchmarks.incremental

bench-online: $(STAMPS)/dev  ## online states in SQLite, Redis and PostgreSQL beside named columns in Feast: a few minutes
	$(BIN)/python -m benchmarks.online_store

bench-deciding: $(STAMPS)/dev  ## decisions for one customer and for a million: about two minutes
	$(BIN)/python -m benchmarks.deciding

bench-allocation: $(STAMPS)/dev  ## budgets by prices beside greedy, first come first served and the whole linear program: minutes
	$(BIN)/python -m benchmarks.allocation

bench-journeys: $(STAMPS)/dev  ## the nightly journey figures beside DuckDB, on the state of `make demo`: minutes
	$(BIN)/python -m benchmarks.journeys

# idle threads that spin would be counted as CPU
bench-models: $(STAMPS)/dev  ## propensity beside plain learners: public data (NBO_DATA), synthetic, the demo bank's truth (NBO_HOME): an hour
	OMP_WAIT_POLICY=passive $(BIN)/python -m benchmarks.models

bench-serving: $(STAMPS)/dev  ## the real-time service under load, beside Feast's and MLflow's servers: some 10 minutes
	$(BIN)/python -m benchmarks.serving

bench-soak: $(STAMPS)/dev  ## the service under a steady load: does it grow? some 15 minutes
	$(BIN)/python -m benchmarks.serving_soak

bench-console: $(STAMPS)/dev  ## the pages of the console while the service decides: some 10 minutes
	$(BIN)/python -m benchmarks.console

clean:  ## remove the environment and the caches (not .nbo, the state)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
