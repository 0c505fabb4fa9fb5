# One command for each job: `make` alone lists them.
#
#   PYTHON=python3.13 VENV=.venv-3.13    another interpreter, with an environment of its own
#   ARGS="tests/values -k url"           more arguments for test, coverage, test-servers, fuzz, bench, demo and compat
#   JOBS=4                               test processes

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
ARGS ?=

BIN := $(VENV)/bin
BENCH_VENV := $(VENV)-bench
FUZZ_VENV := .cache/fuzz
OPENAPI_PEER := .cache/openapi-python-client
SUPPLY_VENV := .cache/supply-chain/tools
UV := $(shell command -v uv 2>/dev/null)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# $(1): the environment, $(2): what is installed into it. uv does it where there is one, pip everywhere else: a fresh pip,
# as `--group` is younger than the pip of most interpreters.
ifdef UV
install = test -x $(1)/bin/python || uv venv --quiet --python $(PYTHON) $(1); \
	uv pip install --quiet --python $(1)/bin/python $(2)
else
install = test -x $(1)/bin/python || $(PYTHON) -m venv $(1); \
	$(1)/bin/python -m pip install --quiet --upgrade pip && $(1)/bin/python -m pip install --quiet $(2)
endif

.PHONY: help setup demo test test-servers coverage lint types bench fuzz fuzz-guided mix-up restarts soak flakes docs openapi-corpus openapi-replies openapi-spector scoreboard compat audit sbom clean
.DEFAULT_GOAL := help

help: ## List the targets, each with its sentence.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Make the environment and install the checkout and its tools, when either is out of date.

demo: $(VENV)/.installed ## See Borzoi do its job against a local API: thousands of requests, a download, a streamed answer.
	$(BIN)/python -m borzoi demo $(ARGS)

test: $(VENV)/.installed ## Run the suite in parallel, or what ARGS names of it, but for what takes longest.
	$(BIN)/python -m pytest -n $(JOBS) -m "not long" $(ARGS)

test-servers: $(VENV)/.installed ## Run requests against real servers and proxies, installing from Debian those that are missing.
	$(BIN)/python -m scripts.servers $(ARGS)

coverage: $(VENV)/.installed ## Run all of the suite, hold its coverage at 95 %, and write to htmlcov/ what it leaves out.
	$(BIN)/python -m pytest -n $(JOBS) --cov --cov-report=html --cov-report=term $(ARGS)

lint: $(VENV)/.installed ## Check style, format, the directions of imports and the shape of the source.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest tests/structure

types: $(VENV)/.installed ## Check the types with mypy --strict and with pyright.
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(BENCH_VENV)/.installed ## Measure Borzoi beside its peers, which get environments of their own: see docs/performance.md.
	$(BENCH_VENV)/bin/python -m benchmarks $(ARGS)

fuzz: $(VENV)/.installed ## Give the property tests a hundred times the examples, freshly drawn.
	HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -n $(JOBS) -m hypothesis -o timeout=3600 $(ARGS)

fuzz-guided: $(FUZZ_VENV)/.installed ## Fuzz by coverage: ARGS="--target url --runs 10000", or ARGS=--total for what the scoreboard asks for.
	$(FUZZ_VENV)/bin/python -m scripts.endurance.fuzz $(ARGS)

mix-up: $(VENV)/.installed ## Look whose response is whose, in a million hostile sequences, or as many as ARGS="--sequences N" says.
	$(BIN)/python -m scripts.endurance.mixup $(ARGS)

restarts: $(VENV)/.installed ## Send requests while servers restart: a hundred thousand, or as many as ARGS="--requests N" says.
	$(BIN)/python -m scripts.endurance.restarts $(ARGS)

soak: $(VENV)/.installed ## Run a mixed load over all worlds for ARGS="--minutes M", and see whether anything grows.
	$(BIN)/python -m scripts.endurance.soak $(ARGS)

flakes: $(VENV)/.installed ## Repeat tests, ARGS="-n 5 tests/exchange", and list those that do not always pass.
	$(BIN)/python -m scripts.endurance.flakes $(ARGS)

docs: $(VENV)/.installed ## Check the links, paths, commands and examples in every page.
	$(BIN)/python scripts/check_docs.py

scoreboard: $(VENV)/.installed ## Run the faults, the codes and the corpora, and write SCOREBOARD.md and scoreboard.json.
	$(BIN)/python -m scripts.scoreboard $(ARGS)

openapi-corpus: $(VENV)/.installed $(OPENAPI_PEER)/.installed ## Generate clients of many documents and show the figures. OPENAPI_CORPUS= is a folder of more.
	$(BIN)/python -m scripts.openapi_corpus $(or $(OPENAPI_CORPUS),tests/data/openapi) $(ARGS)

openapi-replies: $(VENV)/.installed ## Make replies for all operations of many documents, and hold them to the documents' schemas.
	$(BIN)/python -m scripts.openapi_replies $(or $(OPENAPI_CORPUS),tests/data/openapi) $(ARGS)

openapi-spector: $(VENV)/.installed ## Call TypeSpec's mock server with clients of its documents, and show its report. npm fetches both.
	$(BIN)/python -m scripts.spector $(ARGS)

compat: $(VENV)/.installed ## Compare our names with those of httpx 0.28.1, run its suite and those of its users, and SDKs on both.
	$(BIN)/python -m scripts.compat $(ARGS)

audit: $(SUPPLY_VENV)/.installed ## Ask which versions of what an installation brings are known to be vulnerable.
	$(SUPPLY_VENV)/bin/python -m scripts.supply_chain audit

sbom: $(SUPPLY_VENV)/.installed ## Write what an installation brings to dist/borzoi.cdx.json, as CycloneDX.
	$(SUPPLY_VENV)/bin/python -m scripts.supply_chain sbom $(ARGS)

clean: ## Remove all that these commands made, the environments included.
	rm -rf $(VENV) $(BENCH_VENV) $(BENCH_VENV)-niquests .cache .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		build dist htmlcov site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# For `make openapi-corpus` and `python -m benchmarks.decoding`, at its newest release; what it generates needs dateutil.
$(OPENAPI_PEER)/.installed:
	@$(call install,$(OPENAPI_PEER),--upgrade openapi-python-client python-dateutil)
	@touch $@

$(VENV)/.installed: pyproject.toml
	@$(call install,$(VENV),--editable '.[all]' --group dev)
	@touch $@

$(FUZZ_VENV)/.installed: pyproject.toml
	@mkdir -p .cache
	@$(call install,$(FUZZ_VENV),--editable '.[all]' --group fuzz)
	@touch $@

# pip itself is among the tools: they install the checkout into environments without one.
$(SUPPLY_VENV)/.installed: pyproject.toml
	@mkdir -p .cache/supply-chain
	@$(call install,$(SUPPLY_VENV),pip --group supply-chain)
	@touch $@

$(BENCH_VENV)/.installed: pyproject.toml
	@$(call install,$(BENCH_VENV),--editable '.[all]' --group bench)
	@$(call install,$(BENCH_VENV)-niquests,--group bench-niquests)
	@touch $@
