# Bare `make` prints the menu. Every target does its own set-up, and a second call is quick.

PYTHON ?= python3
BIN    := .venv/bin
STAMP  := .venv/.installed
FUZZER := .venv/.fuzzer-installed

.DEFAULT_GOAL := menu
.PHONY: menu setup demo test check fuzz fuzzer explore bench docs format kafka clean broker-tools

menu: ## Print this menu
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install everything into .venv: pinned versions, checked hashes

demo: setup ## Watch a model die and its agent move on, in a minute; needs Python only
	@$(BIN)/interlock demo

test: setup broker-tools ## Run every test, on a Kafka broker of its own (or on KAFKA_BOOTSTRAP_SERVERS)
	@$(BIN)/pytest

check: setup ## Lint, format, types, import layers, generated files: what CI runs before the tests
	$(BIN)/ruff check services tests docs
	$(BIN)/ruff format --check services tests docs
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/generate.py --check

# Bounds for each target, which targets (all of them, if none is named), and an input of an earlier crash to run again.
FUZZ_RUNS    ?= 20000
FUZZ_SECONDS ?= 20
FUZZ_TARGETS ?=
REPLAY       ?=

fuzz: setup fuzzer $(FUZZER) ## Fuzz every decoder of outside bytes, some ten minutes; FUZZ_RUNS, FUZZ_SECONDS, FUZZ_TARGETS
	@$(BIN)/python tests/fuzz/run.py $(if $(REPLAY),--replay $(REPLAY),--runs $(FUZZ_RUNS) --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS))

explore: setup ## Explore the protocol: a million states, then the same without each guard; some fifteen minutes
	@$(BIN)/interlock explore

bench: setup ## Measure decision, a router, and the reaction on one broker, each beside what it is compared with; an hour
	@$(BIN)/interlock bench decide
	@$(BIN)/interlock bench router
	@$(BIN)/interlock bench reaction

docs: setup ## Write docs/reference and schemas/authoring again, from the code
	@$(BIN)/python docs/generate.py

format: setup ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix services tests docs
	$(BIN)/ruff format services tests docs

kafka: setup ## Start a real Kafka broker on this machine (`interlock kafka down` stops it)
	@$(BIN)/interlock kafka up

clean: ## Remove what make made: the environment and the caches
	@rm -rf .fuzz .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	@find services tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: Python 3.11 or newer is needed, and '$(PYTHON)' is not that." >&2; \
	  echo "  -> Install it, or name the one to use: make setup PYTHON=/path/to/python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: '$(PYTHON)' cannot make virtual environments: its venv module is missing." >&2; \
	  echo "  -> Install it (on Debian and Ubuntu: the package python3-venv)." >&2; exit 2; }
	@echo "Installing into .venv (once; half a minute on a good line)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(FUZZER): requirements-fuzz.txt $(STAMP)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.txt
	@touch $@

# There are wheels of the fuzzer for some platforms only; everywhere else `make test` runs the same targets without it.
fuzzer: setup
	@$(BIN)/python -c 'import platform, sys; ok = platform.machine() == "x86_64" and sys.platform == "linux"; \
	  sys.exit(not (ok and sys.implementation.name == "cpython" and (3, 11) <= sys.version_info < (3, 14)))' || { \
	  echo "error: the fuzzer (atheris) is there for Linux on x86-64 with CPython 3.11 to 3.13, and this is something else." >&2; \
	  echo "  -> Run it there. Here: .venv/bin/pytest tests/property/test_decoders_are_listed.py, the targets without a fuzzer." >&2; exit 2; }

# The tests start a broker from the Maven jars, unless they are given one.
broker-tools:
	@test -n "$$KAFKA_BOOTSTRAP_SERVERS" || { \
	  missing=""; \
	  version=$$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1); \
	  test "$${version:-0}" -ge 17 || missing="Java 17 or newer (found: $${version:-none})"; \
	  command -v mvn >/dev/null || missing="$${missing:+$$missing and }Maven (mvn)"; \
	  test -z "$$missing" || { \
	    echo "error: the tests need a Kafka broker, and to start one this is missing: $$missing." >&2; \
	    echo "  -> Install it (on Debian and Ubuntu: openjdk-17-jre-headless, maven)," >&2; \
	    echo "     or set KAFKA_BOOTSTRAP_SERVERS to the host:port of a broker that the tests may use." >&2; exit 2; }; }
