# Vedette: make help
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python
SOURCES := schemas indicators transport broker sensor analyzer enforcer console
T ?= tests
B ?= all

.PHONY: help run demo web screenshots test test-unit test-faults test-corpus check format docs bench soak lock bundle

help: ## list what make can do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## watch this host: broker, analyzer, sensor, enforcer, session, and the alerts as they come
	@./bootstrap run
	@exec .venv/bin/vedette up $(ARGS)

demo: ## the same on a desktop of its own, with a browser, a clipboard and a listed program
	@./bootstrap run
	@exec .venv/bin/vedette demo $(ARGS)

web: ## build the console's scripts into the package; bootstrap does so as well
	@./bootstrap dev

screenshots: ## write a picture of each page of the console into docs/pictures
	@./bootstrap dev
	@./tests/packages
	@$(PY) -m tests.console.web.pictures

test: ## install what the tests need, run all of them (T=tests/analyzer: a part)
	@./bootstrap dev
	@./tests/packages
	@$(PY) -m pytest $(T)

test-unit: ## the tests that need neither root nor a display
	@./bootstrap dev
	@$(PY) -m pytest -m "not desktop and not root and not system" $(T)

test-faults: ## kill, part, fill, freeze: what is lost by it goes into docs/RELIABILITY.md (needs root)
	@./bootstrap dev
	@./tests/packages
	@VEDETTE_WRITE_TABLE=1 $(PY) -m pytest tests/faults

test-corpus: ## what the lists in ../shared/data show; false alarms go into docs/FALSE_ALARMS.md
	@./bootstrap dev
	@VEDETTE_WRITE_TABLE=1 $(PY) -m pytest tests/corpus

check: ## formatting, lint, types, import contracts, generated files
	@./bootstrap dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@for platform in win32 darwin; do .venv/bin/mypy --platform $$platform transport/src sensor/src enforcer/src || exit 1; done
	@.venv/bin/pyright
	@.venv/bin/lint-imports
	@$(PY) -m docs.generate --check

format: ## format, and mend what the linter can mend
	@./bootstrap dev
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

docs: ## write the generated pages
	@./bootstrap dev
	@$(PY) -m docs.generate

bench: ## measure (B=latency: one script)
	@./bootstrap dev
	@./tests/packages
	@$(PY) -m bench $(B)

bundle: ## one archive for hosts, to be installed without a network: dist/vedette-host-….tar.gz
	@./bootstrap run
	@deploy/bundle/make.sh

soak: ## many schedules over the delivery protocol (VEDETTE_SCHEDULES=20000)
	@./bootstrap dev
	@VEDETTE_SCHEDULES=$${VEDETTE_SCHEDULES:-20000} $(PY) -m pytest --timeout 0 tests/transport/delivery/test_schedules.py

lock: ## choose the newest versions that fit and write the locks (needs uv)
	uv lock --upgrade --quiet
	uv export --quiet --all-packages --all-extras --group build --no-default-groups --no-emit-workspace --no-header -o requirements.lock
	uv export --quiet --all-packages --all-extras --group build --group dev --no-emit-workspace --no-header -o requirements-dev.lock
