# Commands for developers. `make` alone lists them.
PYTHON_IN_VENV = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test drill check format words lock sbom audit bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: ## Start the whole hub on this machine (PORT=8000, DATA_DIR=./var, DEMO=1); Ctrl-C stops it
	@sh app/local/setup.sh run
	@$(PYTHON_IN_VENV) -m app.local

test: ## Run the tests against real servers (ARGS="-k word" narrows them; SLOW=1: the slow ones instead)
	@sh app/local/setup.sh dev
	@# Without bytecode, each process that a test starts would compile the application again.
	@PYTHONDONTWRITEBYTECODE= $(PYTHON_IN_VENV) -m pytest -m "$(if $(SLOW),slow,not slow) and not drill" -n 3 --dist loadgroup -q $(ARGS)

drill: ## Kill, freeze, flush and restart processes under load; nothing may be lost (SHORT=1: the short form of CI)
	@sh app/local/setup.sh dev
	@rm -f .pytest_cache/drill-figures.jsonl
	@# The second part runs after a failed first one too; exit code 5 means that ARGS left no test.
	@export PYTHONDONTWRITEBYTECODE= SHORT=$(SHORT); \
	$(PYTHON_IN_VENV) -m pytest -m "drill and alone" -s -q $(ARGS); alone=$$?; \
	$(PYTHON_IN_VENV) -m pytest -m "drill and not alone" -n 3 --dist loadfile --no-loadscope-reorder -q $(ARGS); others=$$?; \
	for code in $$alone $$others; do test $$code -eq 0 || test $$code -eq 5 || exit $$code; done

check: ## Check lint, format and types, as CI does before the tests
	@sh app/local/setup.sh dev
	@$(PYTHON_IN_VENV) -m ruff check .
	@$(PYTHON_IN_VENV) -m ruff format --check .
	@$(PYTHON_IN_VENV) -m mypy

format: ## Format the code and apply the automatic fixes
	@sh app/local/setup.sh dev
	@$(PYTHON_IN_VENV) -m ruff check --fix-only --quiet .
	@$(PYTHON_IN_VENV) -m ruff format .

words: ## Update the translations of the pages from the code
	@sh app/local/setup.sh dev
	@$(PYTHON_IN_VENV) -m app.admin.i18n.catalogs

lock: ## Resolve requirements*.in into lock files with hashes
	@sh app/local/setup.sh dev
	@sh deploy/supply_chain/lock.sh

sbom: ## Write the software bill of materials into var/sbom, and the list of licences into docs/licences.md
	@sh app/local/setup.sh dev
	@$(PYTHON_IN_VENV) deploy/supply_chain/sbom.py var/sbom
	@cp var/sbom/licences.md docs/licences.md

audit: ## Ask the public advisories for known vulnerabilities (exit code 3: they cannot be reached)
	@sh app/local/setup.sh dev
	@$(PYTHON_IN_VENV) deploy/supply_chain/audit.py

bench: ## Run the benchmarks; REPORT=1 writes their figures to docs/figures.md
	@sh app/local/setup.sh dev
	@$(PYTHON_IN_VENV) -m bench $(ARGS)

clean: ## Remove .venv and caches; the data in ./var stays
	@rm -rf .venv node_modules app/admin/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
