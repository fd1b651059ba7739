# Each target is one line of `make help`. `run` and `test` need nothing but Python 3.11 or later with venv and pip.
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv/bin/python
LOCK := $(VENV) -m uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header --python-version 3.11
PYTEST := $(VENV) -m pytest
unexport PYTHONDONTWRITEBYTECODE  # compiling everything again in every process doubles the time of the tests
CHECKS := check-style check-types check-imports check-translations check-migrations check-committed check-diagrams check-picture check-names

.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' $(MAKEFILE_LIST))

run: setup  ## set up what is missing and serve Anpei with demonstration data on http://127.0.0.1:8000
	@$(VENV) -m service.cli run

test: setup-tests  ## set up what is missing and run all tests, browser tests included
	@$(PYTEST) -n auto --dist worksteal

unit: setup-tests  ## the tests that need no database, in seconds
	@$(PYTEST) tests/unit -n auto --dist loadfile -p no:schemathesis -p no:anyio

setup: python  ## what `make run` does first
	@$(PYTHON) -m setup

setup-tests: python
	@$(PYTHON) -m setup --tests

browser: setup-tests  ## the tests in a real Chromium alone
	@$(PYTEST) -m browser

check: $(CHECKS)  ## style, types, import contracts, translations, migrations, committed files, diagrams, picture, names

check-style: setup-tests
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .

check-types: setup-tests
	@$(VENV) -m mypy

check-imports: setup-tests
	@$(VENV) -c "from importlinter.cli import lint_imports_command as lint; lint()" --config setup.cfg

check-translations: setup-tests
	@$(VENV) -m setup.translations check

check-migrations: setup-tests
	@$(VENV) -m setup.migrations check

check-committed: python
	@$(PYTHON) -m setup.committed

check-diagrams: setup-tests
	@$(VENV) -m service.cli check processes

check-picture: python
	@$(PYTHON) -m setup.picture check

check-names: setup-tests
	@$(VENV) -m setup.names check

fix: setup-tests  ## mend what ruff can mend
	@$(VENV) -m ruff check --fix .
	@$(VENV) -m ruff format .

conformance: setup  ## run the conformance models of DIR=folder through gate and engine
	@$(VENV) -m service.cli conformance "$(DIR)"

fuzz: setup-tests  ## COUNT=number random processes with data from SEED=number on against a token game of our own
	@SEED="$(SEED)" COUNT="$(COUNT)" $(VENV) -m tests.conformance.fuzz

bench: setup-tests  ## measure; writes bench/latest.json
	@$(VENV) -m tests.bench

full-demo: setup  ## fill an empty database (ANPEI_DATA_DIR=new folder) with 50,000 persons and 150,000 enrolments
	@$(VENV) -m tests.bench.full_scale

db: setup  ## a psql prompt on the database
	@$(VENV) -m service.cli db

migration: setup-tests  ## write the migration that brings the database to the models: MESSAGE="why"
	@$(VENV) -m setup.migrations make "$(MESSAGE)"

translations: setup-tests  ## collect texts into the catalogues and compile them
	@$(VENV) -m setup.translations update

names: python  ## write docs/names.md from the code
	@$(PYTHON) -m setup.names

picture: python  ## draw docs/architecture.svg from the contracts in setup.cfg
	@$(PYTHON) -m setup.picture

lock: setup-tests  ## write requirements*.txt and package-lock.json after a change of pyproject.toml or package.json
	@$(LOCK) pyproject.toml -o requirements.txt
	@$(LOCK) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt
	@$(LOCK) --group node -o requirements-node.txt
	@npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean:  ## remove what set-up made; data stay
	rm -rf .venv node_modules service/static/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## +/\t/' | expand -t 16

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: sudo apt-get install python3 python3-venv python3-pip"; exit 1; }
