# `make demo` and `make test` set up everything they need in .venv: Python 3.11 or later, make and a package
# registry are enough. PYTHON chooses the interpreter that the environment is made with.
PYTHON ?= python3
SECONDS ?= 60
# `make demo PATTERN=sync` plays the tests of one pattern of rules/; without it the overview in rules/orders.
PATTERN ?=
PATTERNS := $(patsubst rules/%/README.md,%,$(wildcard rules/*/README.md))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test lint format docs site compliance soak fuzz bench bench-quick mutate lock clean

demo: $(VENV)/local.stamp  ## changes in real local tables, through the rules, to their targets, read back
	$(if $(filter-out $(PATTERNS),$(PATTERN)),$(error no pattern '$(PATTERN)': there are $(PATTERNS)))
	$(if $(PATTERN),$(BIN)/rules-engine dev --once --rules rules/$(PATTERN),$(BIN)/python -m rules_engine.local.demo)

test: $(VENV)/dev.stamp $(VENV)/iam.stamp  ## the whole test suite, three files at once
	$(BIN)/python -m pytest -n 3 --dist loadfile

lint: $(VENV)/dev.stamp  ## linter, formatter and type checker, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp  ## what the linter and the formatter can mend by themselves
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/dev.stamp  ## everything that is generated from the code: reference pages and schemas
	$(BIN)/python docs/generate.py

site: $(VENV)/dev.stamp  ## the documentation site, below build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

compliance: $(VENV)/dev.stamp  ## the official JMESPath suite and SARIF schema, fetched with npm
	sh tests/fetch_compliance.sh
	$(BIN)/python -m pytest tests/test_expression_compliance.py tests/test_cli_report_sarif.py

soak: $(VENV)/dev.stamp  ## the long versions of the property tests and 10,000,000 simulated deliveries, an hour or two
	$(BIN)/python -m tests.soak.expression --cases 200000
	$(BIN)/python -m tests.soak.index --pairs 100000
	$(BIN)/python -m tests.soak.limits --cases 1000000
	$(BIN)/python -m tests.soak.numbers --numbers 1000000
	$(BIN)/python -m tests.soak.records --records 1000000
	$(BIN)/python -m tests.soak.filters --pairs 1000000
	$(BIN)/python -m tests.soak.patterns --changes 100000 --days 200
	$(BIN)/python -m tests.soak.delivery --seeds 42000 --actions 10000000 --processes 2

fuzz: $(VENV)/dev.stamp $(VENV)/fuzz.stamp  ## coverage-guided fuzzing of whatever reads what others wrote, SECONDS a target
	for target in source expression record url; do \
	  $(BIN)/python -m tests.fuzz $$target --seconds $(SECONDS) || exit 1; done

bench: $(VENV)/bench.stamp  ## every benchmark beside its goal and the last committed figures, about ten minutes
	$(BIN)/python -m bench.run

bench-quick: $(VENV)/bench.stamp  ## the same with less of everything, within a minute
	$(BIN)/python -m bench.run --quick

mutate: $(VENV)/dev.stamp $(VENV)/mutate.stamp  ## mutants of the modules that matter most, and the share that tests kill
	rm -rf mutants
	$(BIN)/mutmut run --max-children 2
	$(BIN)/python -m tests.mutation.score

lock: $(VENV)/dev.stamp  ## new lock files from pyproject.toml, for every supported Python
	$(PIP) install uv
	for extra in local dev; do $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	  --custom-compile-command "make lock" --extra $$extra \
	  pyproject.toml requirements/build.in -o requirements/$$extra.txt; done
	for tool in bench fuzz mutate; do $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	  --custom-compile-command "make lock" --constraint requirements/dev.txt \
	  pyproject.toml requirements/build.in requirements/$$tool.in -o requirements/$$tool.txt; done
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	  --custom-compile-command "make lock" requirements/iam.in -o requirements/iam.txt

clean:
	rm -rf $(VENV) build dist mutants *.egg-info .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: make $(MAKECMDGOALS) PYTHON=python3.12, for example" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The server that enforces IAM wants a botocore of its own.
$(VENV)/iam.stamp: requirements/iam.txt | $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/iam
	$(VENV)/iam/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r $<
	touch $@

# Where PYTHONDONTWRITEBYTECODE is set, as in many containers, every start of an editable package compiles it anew.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r $<
	$(PIP) install --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q rules_engine
	touch $@
