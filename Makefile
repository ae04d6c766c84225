# Everything a user or contributor needs. Only Python (3.11 or newer, with its venv module) must be there.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
PYTEST_ARGS ?=
BENCH_ARGS ?=

BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-run
TEST_STAMP := $(VENV)/.installed-test
BENCH_STAMP := $(VENV)/.installed-bench
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
HASHED := --require-hashes --only-binary :all: --requirement
# An editable install, so that the checkout itself is what runs; built with the pinned backend above.
PACKAGE := --no-deps --no-build-isolation --editable .

.DEFAULT_GOAL := help
.PHONY: help run test lint bench docs figures requirements clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

run: $(RUN_STAMP)  ## Install, replay the nimh_crossover trial and say where the results are
	$(BIN)/rekindle replay nimh_crossover --out out/nimh
	@echo
	@echo "Results are in $(CURDIR)/out/nimh:"
	@ls out/nimh

test: $(TEST_STAMP)  ## Install everything and run every test
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

lint: $(TEST_STAMP)  ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict

bench: $(BENCH_STAMP)  ## Measure accuracy and speed beside other engines and write docs/performance-figures.md
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

docs: $(TEST_STAMP)  ## Build the documentation, warnings are errors
	$(BIN)/sphinx-build -W --keep-going -q -j $(WORKERS) -b html docs docs/_build/html
	@echo "Documentation is in $(CURDIR)/docs/_build/html/index.html"

COMPILE := uv pip compile --quiet --upgrade --universal --python-version 3.11 --only-binary :all: \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links --group build pyproject.toml

# The peers of the benchmark are no part of the tests.
OWN_EXTRAS := --extra report --extra parquet --extra reading --extra sbml --extra analysis --extra cluster \
	--extra docs --extra test --extra lint

figures: $(TEST_STAMP)  ## Make the figures of the README and the documentation anew
	$(BIN)/python docs/engine_figure.py
	$(BIN)/rekindle replay nimh_crossover --out out/nimh
	mkdir -p docs/figures
	cp out/nimh/patients.png out/nimh/arm_changes.png out/nimh/acute.png out/nimh/mood.png docs/figures/
	$(BIN)/rekindle compare routes --out out/routes
	cp out/routes/mood.png docs/figures/compare_mood.png
	cp out/routes/acute.png docs/figures/compare_acute.png
	for name in ketamine_and_ssri esketamine_and_antidepressant psychotherapy enantiomers schedules controls interactions; do \
		$(BIN)/rekindle compare $$name --out out/$$name && cp out/$$name/mood.png docs/figures/compare_$$name.png || exit 1; \
	done
	cp out/controls/acute.png docs/figures/compare_controls_acute.png
	cp out/interactions/acute.png docs/figures/compare_interactions_acute.png
	$(BIN)/rekindle compare esketamine_and_quetiapine --out out/esketamine_and_quetiapine
	cp out/esketamine_and_quetiapine/response.png docs/figures/compare_esketamine_and_quetiapine.png
	$(BIN)/rekindle compare naltrexone --set o=0.5 --out out/naltrexone
	cp out/naltrexone/mood.png docs/figures/compare_naltrexone.png
	$(BIN)/rekindle compare ect --set E_ect=0.7 --set n50_ect=4 --out out/ect
	cp out/ect/mood.png docs/figures/compare_ect.png
	$(BIN)/rekindle evidence report --out out/evidence
	for name in predicted_change predicted_response predicted_sd residuals_outcomes_design arms_scores_1 share_errors sensitivity contrasts; do \
		cp out/evidence/$$name.png docs/figures/evidence_$$name.png || exit 1; \
	done
	$(BIN)/rekindle trial esketamine_spray --people 60 --replicates 12 --out out/trial
	cp out/trial/change.png docs/figures/trial_change.png
	cp out/trial/flow.png docs/figures/trial_flow.png
	$(BIN)/rekindle trial power saline_crossover --n 6,10,14,18 --effects 0,0.5,1 --unblinding --replicates 40 --out out/power
	cp out/power/power.png docs/figures/trial_power.png
	for answer in onset/difference duration/relapse dose_response/walk routes/effects session/waiting \
		suicidality/effect combination/course analog/tradeoff moderators/inflammation long_term/burden; do \
		name=$${answer%/*} && $(BIN)/rekindle question $$name --out out/question_$$name && \
		cp out/question_$$answer.png docs/figures/question_$$name.png || exit 1; \
	done

requirements:  ## Pin all dependencies anew (needs uv)
	$(COMPILE) $(OWN_EXTRAS) --output-file requirements/test.txt
	$(COMPILE) --extra report --extra parquet --constraint requirements/test.txt --output-file requirements/run.txt
	$(COMPILE) --extra bench --constraint requirements/test.txt --output-file requirements/bench.txt

clean:  ## Remove the environment, caches and outputs
	rm -rf $(VENV) out docs/_build docs/_generated .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing: on Debian, apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/run.txt pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) $(HASHED) requirements/run.txt
	$(PIP_INSTALL) $(PACKAGE)
	@touch $@

# test.txt holds all of run.txt at the same versions, so one installation serves both.
$(TEST_STAMP): requirements/test.txt pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) $(HASHED) requirements/test.txt
	$(PIP_INSTALL) $(PACKAGE)
	@touch $(RUN_STAMP) $@

# numbalsoda has no wheels, so it is built where compilers are, and the benchmark says where it is missing.
$(BENCH_STAMP): requirements/bench.txt $(TEST_STAMP)
	$(PIP_INSTALL) $(HASHED) requirements/bench.txt
	$(PIP_INSTALL) --no-deps numbalsoda==0.3.4 || echo "numbalsoda is left out: it needs cmake, a C++ and a Fortran compiler"
	@touch $@
