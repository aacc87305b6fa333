# The short command list, the same for people and for continuous integration.
# The package index, if not the usual one, comes from pip's own settings (pip.conf or PIP_* variables).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
WEEKS ?= 52
PATIENT ?= examples/patient.json
OUT ?= out
SEED ?= 20261123
CASES ?= 10000
PEOPLE ?= 8000
KILLS ?= 100
PORT ?= 8765
POSTERIOR ?= src/anagen/evidence/data/population/2026.11.npz

PINNED := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1
INSTALL := $(PINNED) $(BIN)/python -m pip install --quiet --editable
RECIPE := pyproject.toml constraints.txt src/anagen/_version.py scripts/create-venv
SOURCES := $(shell find src/anagen -type f -not -path '*/__pycache__/*')
CHECKED := src tests benchmarks

READY := $(VENV)/.ready
READY_TEST := $(VENV)/.ready-test
READY_FIT := $(VENV)/.ready-fit
READY_BENCH := $(VENV)/.ready-bench

.PHONY: help install run test fuzz lint format calibrate population-pages forecast-pages bench kill-test console screenshots clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## Build .venv with everything that the main job needs
	@echo "Ready: source $(BIN)/activate, then anagen --help"

run: $(OUT)/report.html $(OUT)/forecast.html ## Plan, simulate, forecast and report the example patient
	@cat $(OUT)/plan.txt $(OUT)/course.txt $(OUT)/forecast.txt 2>/dev/null || true
	@echo
	@echo "Plan      $(OUT)/plan.json"
	@echo "Course    $(OUT)/course.nc"
	@echo "Report    $(OUT)/report.html    <- open this one in a browser"
	@echo "Forecast  $(OUT)/forecast.html  <- and this one: a page for the doctor, one for the patient"

console: $(OUT)/clinic-account.json ## Serve the web console with a clinic of virtual patients, at http://127.0.0.1:PORT
	@echo
	@echo "The console: http://127.0.0.1:$(PORT)    (stop it with Ctrl-C)"
	@$(BIN)/python -c 'import json, sys; told = json.load(open(sys.argv[1])); print("Account     ", told["account"]); print("Password    ", told["password"])' $<
	@echo
	@$(BIN)/anagen serve --data $(OUT)/clinic --port $(PORT) 2> $(OUT)/console.log || { tail -n 5 $(OUT)/console.log >&2; exit 1; }

test: $(READY_TEST) ## Build .venv, then lint, check types and run the tests
	@scripts/setup-test-system
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/pytest -n $(JOBS) --dist loadfile

fuzz: $(READY_TEST) ## Send CASES made-up requests to the API and check every answer (each night; about 10 minutes)
	$(BIN)/python tests/api_cases.py --cases $(CASES) --seed $(SEED)

lint: $(READY_TEST) ## Lint and check types
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy

format: $(READY_TEST) ## Format the code and mend what the linter can
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

calibrate: $(READY_FIT) ## Fit the population to the published arms again (up to 2 hours; goes on where it stopped)
	$(BIN)/python -m anagen.population.calibrate --seed $(SEED) --people $(PEOPLE) --folder $(OUT)/calibration -o $(POSTERIOR)

population-pages: $(READY_FIT) ## Write docs/population.md and docs/claims.md from the calibrated population
	$(BIN)/python -m anagen.report.population_page
	$(BIN)/python -m anagen.report.claims_page

forecast-pages: $(OUT)/forecast_study.json | $(READY) ## Write docs/forecast.md; runs its study first when there is none (up to an hour)
	$(BIN)/python -m anagen.report.forecast_study_page --study $<

bench: $(READY_BENCH) ## Measure speed and memory against the targets
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

screenshots: $(OUT)/clinic-account.json $(READY_TEST) ## Take the pictures of the console in docs/pictures again
	@scripts/setup-test-system
	$(BIN)/python scripts/take_screenshots.py --clinic $(OUT)/clinic --account $< --folder docs/pictures

kill-test: $(READY_TEST) ## Kill the server KILLS times on each database while people write, and look what is left
	ANAGEN_KILLS=$(KILLS) $(BIN)/pytest tests/web/test_killed.py -q -s -p no:cacheprovider

clean: ## Remove everything that these commands made
	rm -rf $(VENV) $(OUT) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environment: a stamp each, so that the second call does nothing ---

$(READY): $(RECIPE)
	@scripts/create-venv $(VENV)
	@echo "Installing Anagen into $(VENV) (a minute or two the first time) ..."
	@$(INSTALL) '.[report,trials,web]'
	@touch $@

$(READY_TEST): $(RECIPE)
	@scripts/create-venv $(VENV)
	@echo "Installing Anagen and its test tools into $(VENV) (a few minutes the first time) ..."
	@$(INSTALL) '.[report,trials,web,fit,test]'
	@touch $(READY) $@

$(READY_FIT): $(RECIPE)
	@scripts/create-venv $(VENV)
	@echo "Installing Anagen and its calibration tools into $(VENV) ..."
	@$(INSTALL) '.[report,trials,web,fit]'
	@touch $(READY) $@

$(READY_BENCH): $(RECIPE)
	@scripts/create-venv $(VENV)
	@echo "Installing Anagen and its benchmark tools into $(VENV) ..."
	@$(INSTALL) '.[report,trials,web,bench]'
	@touch $(READY) $@

# --- the demonstration clinic: made once; its account is kept last, so that half a clinic is none ---

$(OUT)/clinic-account.json: | $(READY)
	@mkdir -p $(OUT)
	@rm -rf $(OUT)/clinic
	@echo "Making a clinic of 40 virtual patients in $(OUT)/clinic: this once, for about five minutes ..."
	@umask 077; $(BIN)/anagen demo --data $(OUT)/clinic --json > $@

# --- the study of the forecast: made once; delete the file to run it again ---

$(OUT)/forecast_study.json: | $(READY)
	@mkdir -p $(OUT)
	$(BIN)/python -m anagen.forecast.studies -o $@

# --- the main job: files, each made again only when something before it changed ---

$(OUT)/plan.json: $(PATIENT) $(SOURCES) | $(READY)
	@mkdir -p $(OUT)
	@echo "Planning ..."
	@$(BIN)/anagen plan $(PATIENT) -o $@ > $(OUT)/plan.txt

$(OUT)/course.nc: $(OUT)/plan.json
	@echo "Simulating ..."
	@$(BIN)/anagen simulate $(PATIENT) $(OUT)/plan.json --weeks $(WEEKS) -o $@ > $(OUT)/course.txt

$(OUT)/report.html: $(OUT)/course.nc
	@echo "Drawing the report ..."
	@$(BIN)/anagen report $(PATIENT) $(OUT)/plan.json -o $@ > /dev/null

$(OUT)/forecast.html: $(OUT)/plan.json
	@echo "Forecasting ..."
	@$(BIN)/anagen forecast $(PATIENT) $(OUT)/plan.json --weeks $(WEEKS) -o $(OUT)/forecast.nc --report $@ > $(OUT)/forecast.txt
