# Waybill. `make` lists the targets. Settings, as variables of the shell or of make:
#   WAYBILL_HOME   where the local stack keeps everything (.waybill)
#   WAYBILL_PORT   port of the API and the UI on 127.0.0.1 (8080)
#   PYTHON         the Python 3.11 to 3.13 to make .venv with

PY := .venv/bin/python
LOCAL := $(PY) -m deploy.local
# Nothing is installed only to find that there is nothing to stop.
IF_ANY := if [ ! -e "$${WAYBILL_HOME:-.waybill}" ]; then echo 'Nothing to do: no stack was started here.'; else \
	sh deploy/local/setup.sh &&
FAST := $(wildcard tests/unit tests/contracts tests/properties tests/api)
COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --only-binary :all: --custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help demo up down clean test lint fast nightly faults bench bench-quick lock venv

help: ## list the targets
	@sed -n 's/^\([a-z-]*\): [a-z ]*## \(.*\)/  make \1 \2/p; s/^\([a-z-]*\): ## \(.*\)/  make \1 \2/p' Makefile | \
		awk '{ target = $$2; $$1 = $$2 = ""; printf "  make %-11s%s\n", target, $$0 }'

demo: venv ## start the stack, export the demo inventory, and leave the stack running
	@$(LOCAL) demo

up: venv ## run the stack in the foreground; Ctrl-C stops it
	@$(LOCAL) up

down: ## stop the stack
	@$(IF_ANY) $(LOCAL) down; fi

clean: ## stop the stack and forget its data (downloads stay)
	@$(IF_ANY) $(LOCAL) clean; fi

test: lint ## check and test everything, on a stack of its own
	@sh deploy/local/browser.sh
	@$(PY) -m pytest -n 2

lint: venv ## check style, types and import rules
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@PYTHONPATH=.:plugins .venv/bin/lint-imports

fast: venv ## run the tests that need no stack
	@$(PY) -m pytest -n 2 $(FAST)

nightly: venv ## the properties with 2,000 examples for each format, new ones each time
	@$(PY) -m pytest -n 2 tests/properties --hypothesis-profile=nightly

faults: venv ## strike a real stack with real faults (SEED=1 ONLY="3 7"); forty minutes
	@SEED='$(SEED)' FAULTS='$(FAULTS)' ONLY='$(ONLY)' $(PY) -m tests.faults

bench: venv ## measure against peers, on a stack of its own; half an hour, best on an idle machine
	@sh benchmarks/setup.sh
	@$(PY) -m benchmarks

bench-quick: venv ## the same with less of everything, in three minutes
	@sh benchmarks/setup.sh
	@$(PY) -m benchmarks --quick

lock: ## write requirements*.txt from requirements*.in (needs uv)
	@uv $(COMPILE) requirements.in -o requirements.txt
	@uv $(COMPILE) requirements-dev.in -o requirements-dev.txt
	@uv $(COMPILE) requirements-bench.in -o requirements-bench.txt

venv:
	@sh deploy/local/setup.sh
