# Every target sets up what it needs; nothing is asked of you but Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
HOME_FOLDER := $(or $(EVERGREEN_HOME),.evergreen)
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)
FROM ?= 2013-03
TO ?= 2013-12
POLICIES ?= never,every-1,every-3,drift,harm,any(harm,probe)

# What `dvc config --local core.site_cache_dir` does, which writes no path that is not ASCII.
define SITE_CACHE
import sys
from configobj import ConfigObj
local = ConfigObj(sys.argv[1], encoding="utf-8")
local.setdefault("core", {})["site_cache_dir"] = sys.argv[2]
local.write()
endef
export SITE_CACHE

.DEFAULT_GOAL := help
.PHONY: help run replay test test-long check format stages reference lock lock-check install state dvc train clean clean-all \
  benchmark benchmark-ingest benchmark-validation benchmark-features benchmark-gate benchmark-init benchmark-tracking \
  benchmark-quality benchmark-months benchmark-same-recipe benchmark-tuning benchmark-walk benchmark-registry benchmark-scoring \
  benchmark-serving benchmark-drift

help:  ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 22

run: state  ## The whole loop on real flights: train, then walk the months (FROM=2013-03 TO=2013-12)
	@$(BIN)/evergreen replay --from $(FROM) --to $(TO)

replay: state  ## The same months under several policies: what each cost and gained (POLICIES="never,every-1")
	@$(BIN)/evergreen replay --from $(FROM) --to $(TO) --policies "$(POLICIES)"

test: state  ## All tests, offline, two files at a time
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-long: state  ## Long campaigns with fixed seeds: 20 runs in a row, the network cut off
	@$(BIN)/python -m pytest -m long

check: install  ## Lint, format, types, import rules, and whether the lock is fresh
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/hadolint evergreen/adapters/packaging/Dockerfile
	@$(MAKE) --no-print-directory lock-check

format: install  ## Let ruff put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

train: state  ## One training run, and the gate's report as Markdown
	@$(BIN)/evergreen run --json > $(HOME_FOLDER)/outcome.json; code=$$?; \
	  test ! -s $(HOME_FOLDER)/outcome.json || $(BIN)/python -m cli.job_summary $(HOME_FOLDER)/outcome.json; exit $$code

dvc: state  ## The same training steps through DVC
	@$(BIN)/dvc repro

benchmark: state  ## What orchestration costs: flows against plain calls
	@$(BIN)/python benchmarks/orchestration.py

benchmark-ingest: state .venv/benchmark  ## Ingestion beside DuckDB and polars (ROWS="1000000 10000000")
	@$(BIN)/python benchmarks/ingest.py --peers .venv/benchmark/bin/python $(if $(ROWS),--rows $(ROWS))

benchmark-validation: state  ## Validation beside a bare scan and Great Expectations (ROWS=1000000)
	@$(BIN)/python benchmarks/validation.py $(if $(ROWS),--rows $(ROWS))

benchmark-features: state  ## Feature building as a table grows, and its memory (ROWS="1000000 10000000")
	@$(BIN)/python benchmarks/features.py $(if $(ROWS),--rows $(ROWS))

benchmark-tuning: state  ## What a search costs beside fitting and predicting
	@$(BIN)/python benchmarks/tuning_overhead.py

benchmark-gate: state  ## The gate on three candidates and ten slices, and the bootstrap of a report (ROWS=20000)
	@$(BIN)/python benchmarks/gate.py $(if $(ROWS),--rows $(ROWS))

benchmark-init: state  ## `evergreen init` on a table of 30 columns (ROWS=1000000)
	@$(BIN)/python benchmarks/init.py $(if $(ROWS),--rows $(ROWS))

benchmark-scoring: state  ## Batch scoring as a file grows, and its memory (ROWS="1000000 10000000")
	@$(BIN)/python benchmarks/scoring.py $(if $(ROWS),--rows $(ROWS))

benchmark-walk: state  ## CPU of the walk and of one training, of two commits in turns (BASE= HEAD= MONTHS=10 ROUNDS=3)
	@$(BIN)/python benchmarks/walk.py $(if $(BASE),--base $(BASE)) $(if $(HEAD),--head $(HEAD)) \
	  $(if $(MONTHS),--months $(MONTHS)) $(if $(ROUNDS),--rounds $(ROUNDS))

benchmark-months: state  ## What the gate's policy is worth: ten months of flights under several (takes half an hour)
	@$(BIN)/python benchmarks/months.py

benchmark-same-recipe: state  ## What the gate says of two models that differ by the draw of their rows alone
	@$(BIN)/python benchmarks/same_recipe.py

benchmark-registry: state  ## What the registry's memory costs over 1,000 promotions
	@$(BIN)/python benchmarks/registry.py

benchmark-tracking: state  ## What tracking costs: one finished training logged to MLflow
	@$(BIN)/python benchmarks/tracking.py

benchmark-serving: state .venv/benchmark  ## A row over HTTP beside FastAPI, MLflow, BentoML and bare ONNX Runtime; needs wrk (ROUNDS=3)
	@$(BIN)/python benchmarks/serving.py --peers .venv/benchmark/bin/python $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(ROWS),--batch-rows $(ROWS)) $(if $(JSON),--json)

benchmark-drift: state  ## A window of monitoring beside Evidently, a loop over SciPy and pyarrow alone (ROUNDS=3 LONG=30000000)
	@$(BIN)/python benchmarks/drift.py $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(LONG),--long $(LONG)) $(if $(JSON),--json)

benchmark-quality: state .venv/benchmark  ## Tuned AUC beside FLAML and a common recipe (BUDGETS="60 180" SEEDS="1 2 3")
	@$(BIN)/python benchmarks/quality.py --peers .venv/benchmark/bin/python \
	  $(if $(BUDGETS),--seconds $(BUDGETS)) $(if $(SEEDS),--seeds $(SEEDS))

.venv/benchmark: .venv/uv benchmarks/requirements.lock
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $@
	@$(BIN)/uv pip sync --quiet --python $@/bin/python --require-hashes benchmarks/requirements.lock
	@touch $@

stages: install  ## Write dvc.yaml from the steps: their inputs, parameters, artifacts and the code they reach
	@$(BIN)/python -m tasks.stages

reference: install  ## Write the tables of parameters and settings in docs/reference, and the JSON schema
	@$(BIN)/python -m cli.reference

lock: .venv/uv  ## Pin all dependencies with hashes, from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group dev --all-extras pyproject.toml --generate-hashes \
	  --no-emit-index-url --no-header --output-file requirements.lock

lock-check: .venv/uv
	@cp requirements.lock .venv/requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group dev --all-extras pyproject.toml --generate-hashes \
	  --no-emit-index-url --no-header --output-file .venv/requirements.lock
	@cmp -s requirements.lock .venv/requirements.lock || \
	  { echo "requirements.lock does not fit pyproject.toml. Next: make lock, and commit it."; exit 2; }
	@echo "requirements.lock is fresh"

install: .venv/installed

.venv/uv: requirements.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Evergreen needs Python 3.11 or newer; $(PYTHON) is %d.%d. Next: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	@test -x $(BIN)/python || { echo "Creating .venv"; $(PYTHON) -m venv .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/installed: .venv/uv requirements.lock pyproject.toml
	@echo "Installing requirements.lock; the first time takes a minute or two"
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@$(BIN)/python -c "$$SITE_CACHE" .dvc/config.local "$(CURDIR)/.evergreen/dvc/site"
	@touch $@

state: install
	@$(BIN)/evergreen prepare

clean:  ## Delete all state: runs, models, logs, reports
	rm -rf $(HOME_FOLDER)

clean-all: clean  ## Delete the environment too
	rm -rf .venv
