# The words of the project. `make` alone lists them.
# Nothing is expected beforehand but Python >= 3.11; every word prepares what it needs, and does it once.

PYTHON := .venv/bin/python
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r
UV := uv==0.13.8
# Programs brought by a wheel (node) are found before those of the machine.
WITH_TOOLS := PATH="$(CURDIR)/.venv/bin:$$PATH"
CLIENTS := $(wildcard tests/clients/package.json tests/clients/package-lock.json)
# The page of GraphiQL, and what it is built from.
PAGE := graph/static/graphiql/index.html
WEB := $(shell find graph/web -name node_modules -prune -o -type f -print)
HAS_NODE := node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit((a > 20 || (a === 20 && b >= 19)) && require("child_process").spawnSync("npm", ["--version"]).status === 0 ? 0 : 1)' 2>/dev/null
NPM_CI := npm ci --no-audit --no-fund --loglevel=error

# Tests run in several processes, which share them by file, in the order of tests/conftest.py. They wait more than
# they work.
processes := 4
SPREAD = -n $(processes) --dist loadfile --no-loadscope-reorder
# They start the server again and again: what is compiled once stays compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long test-without-plans test-with-row-security check schema docs migration bench bench-peers replay screenshots lock
# A recipe that fails leaves no half-made target behind.
.DELETE_ON_ERROR:

help:
	@echo "make setup                       make .venv with everything the server needs, and build GraphiQL"
	@echo "make run [seed=no]               start the server on SERVICE_HOST:SERVICE_PORT (see .env.example), with demo data if empty"
	@echo "make test [processes=3]          run the tests"
	@echo "make test-long                   run all tests, the long ones too"
	@echo "make test-without-plans          run the tests with the stock executor alone"
	@echo "make test-with-row-security      run the tests of PostgreSQL with row level security switched on"
	@echo "make check                       format, lint, types, layers, schema.graphql, migrations"
	@echo "make schema                      write schema.graphql from the code"
	@echo "make docs                        write the generated parts of docs/ from the code"
	@echo "make migration m=\"add labels\"    write a migration from the difference between tables and history"
	@echo "make screenshots                 take the pictures of docs/images anew"
	@echo "make bench [options=...]         measure Switchboard beside stock Strawberry (bench/README.md)"
	@echo "make bench-peers [options=...]   the other peers too; they need Node"
	@echo "make replay data=FOLDER          replay conversations and orders through the running server, and check them"
	@echo "make lock [upgrade=1]            write requirements/*.lock from pyproject.toml, with upgrade=1 the newest versions"

# --- environment -------------------------------------------------------------------------------------------------

$(PYTHON):
	@found=; for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "Switchboard needs Python 3.11 or newer: none is on the PATH." >&2; exit 1; fi; \
	if ! $$found -m venv .venv; then \
	    rm -rf .venv; \
	    echo "$$found cannot make a virtual environment: install its venv module (Debian: python3-venv)." >&2; exit 1; \
	fi

.venv/serve.stamp: requirements/serve.lock | $(PYTHON)
	$(INSTALL) $<
	@touch $@

.venv/test.stamp: requirements/test.lock .venv/serve.stamp
	$(INSTALL) $<
	@touch $@

.venv/bench.stamp: requirements/bench.lock .venv/test.stamp
	$(INSTALL) $<
	@touch $@

.venv/check.stamp: requirements/check.lock .venv/bench.stamp
	$(INSTALL) $<
	@touch $@

# GraphiQL. The server does without it, so a machine that cannot build it is told, and tries again the next time.
$(PAGE): $(WEB) requirements/node.lock | .venv/serve.stamp
	@echo "building GraphiQL …"; \
	{ $(HAS_NODE) || $(WITH_TOOLS) $(HAS_NODE) || $(INSTALL) requirements/node.lock; } \
	&& (cd graph/web && $(WITH_TOOLS) $(NPM_CI) && $(WITH_TOOLS) npm run --silent build) \
	|| { echo "GraphiQL could not be built, for the reason above. The server runs without its page." >&2; [ -z "$$CI" ]; }

# The JavaScript clients that the tests drive. Node comes from the PATH, or from a wheel where there is none.
.venv/clients.stamp: $(CLIENTS) requirements/node.lock | .venv/test.stamp
	@if [ -n "$(CLIENTS)" ]; then \
	    set -e; \
	    $(HAS_NODE) || $(INSTALL) requirements/node.lock; \
	    cd tests/clients && $(WITH_TOOLS) $(NPM_CI); \
	fi
	@touch $@

# The peers of the bench that are written for Node. PostGraphile's own Node comes with them.
.venv/peers.stamp: bench/peers/node/package.json bench/peers/node/package-lock.json requirements/node.lock | .venv/bench.stamp
	@$(HAS_NODE) || $(INSTALL) requirements/node.lock
	@cd bench/peers/node && $(WITH_TOOLS) $(NPM_CI)
	@touch $@

# --- words -------------------------------------------------------------------------------------------------------

setup: .venv/serve.stamp $(PAGE)

run: setup
	@case "$$DATABASE_URL" in postgresql:*) $(PYTHON) -m graph migrate ;; esac
	@if [ "$(seed)" != no ]; then $(PYTHON) -m graph seed --if-empty; fi
	@exec $(PYTHON) -m graph serve

test: .venv/test.stamp .venv/clients.stamp $(PAGE)
	$(WITH_TOOLS) $(PYTHON) -m pytest $(SPREAD)

# The same with graphql-core instead of plans: both have to answer everything alike.
test-without-plans: .venv/test.stamp .venv/clients.stamp $(PAGE)
	$(WITH_TOOLS) $(PYTHON) -m pytest $(SPREAD) --no-plans

# The same on PostgreSQL as a user that policies hold to one workspace at a time: both have to answer everything alike.
test-with-row-security: .venv/test.stamp .venv/clients.stamp $(PAGE)
	$(WITH_TOOLS) $(PYTHON) -m pytest $(SPREAD) --row-security --dialect postgresql

test-long: .venv/test.stamp .venv/clients.stamp $(PAGE)
	$(WITH_TOOLS) $(PYTHON) -m pytest -m "long or not long"

check: .venv/check.stamp
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	@$(PYTHON) -m graph print-schema > .venv/schema.graphql
	@diff -u schema.graphql .venv/schema.graphql || { echo "schema.graphql is not what the code says: run make schema." >&2; exit 1; }
	$(PYTHON) -m graph check-migrations

schema: .venv/serve.stamp
	@$(PYTHON) -m graph print-schema > .venv/schema.graphql
	@mv .venv/schema.graphql schema.graphql

docs: .venv/serve.stamp
	$(PYTHON) docs/generate.py

migration: .venv/serve.stamp
	@if [ -z "$(m)" ]; then echo 'Say what it does: make migration m="add labels"' >&2; exit 1; fi
	$(PYTHON) -m graph new-migration "$(m)"

screenshots: .venv/test.stamp .venv/clients.stamp $(PAGE)
	$(WITH_TOOLS) $(PYTHON) -m pytest tests/browser/screenshots.py

bench: .venv/bench.stamp
	$(PYTHON) -m bench $(options)

bench-peers: .venv/bench.stamp .venv/peers.stamp
	$(PYTHON) -m bench --peers $(options)

# A client that replays conversations and orders through the running server; its libraries come with those of the tests.
replay: .venv/test.stamp
	@if [ -z "$(data)" ]; then echo 'Say where the data is: make replay data=FOLDER' >&2; exit 1; fi
	$(PYTHON) -m examples.replay --data "$(data)" $(options)

# --- locks -------------------------------------------------------------------------------------------------------
# Each later file keeps the versions of the earlier ones, so that all of them fit into one environment.

COMPILE = $(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --custom-compile-command "make lock" $(if $(upgrade),--upgrade)

lock: | $(PYTHON)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check $(UV)
	$(COMPILE) pyproject.toml -o requirements/serve.lock
	$(COMPILE) --group pyproject.toml:test -c requirements/serve.lock -o requirements/test.lock
	$(COMPILE) --group pyproject.toml:bench -c requirements/serve.lock -c requirements/test.lock -o requirements/bench.lock
	$(COMPILE) --group pyproject.toml:check -c requirements/serve.lock -c requirements/test.lock -c requirements/bench.lock -o requirements/check.lock
	$(COMPILE) --group pyproject.toml:node -o requirements/node.lock
