# The same words as in the CLI, the README and CI. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test test-cluster test-cluster-full bench-operator bench-download soak-serve cluster-up cluster-down chaos chaos-run fuzz bench-slow-host check check-types check-rest docs format protos manifests images lock clean

PYTHON ?= python3
OUTPUT ?= table
STORE ?= artgrab-store
# Bytecode is kept whatever the environment says: hundreds of processes would compile all they import.
export PYTHONDONTWRITEBYTECODE :=
BIN := .venv/bin
CLUSTER_TESTS := $(BIN)/pytest tests/cluster --numprocesses 4 --dist loadgroup --no-loadscope-reorder
PROTOS := $(wildcard protos/artgrab/v1/*.proto)

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.installed: requirements/all.lock requirements/bootstrap.lock pyproject.toml
	@PYTHON=$(PYTHON) scripts/install-python-packages

setup: .venv/.installed ## Install all that is needed: .venv, and Debian packages where root
	@scripts/install-system-packages

run: setup ## The whole job on real pictures, offline (OUTPUT=json for one JSON line at the end)
	@$(BIN)/python -m tests.world.run --store $(STORE) --output $(OUTPUT)

test: setup ## Unit and integration tests
	@$(BIN)/python -m tests.world prepare || echo "tests on the demo world will be skipped" >&2
	@$(BIN)/pytest tests/integration tests/unit --numprocesses 3 --dist loadgroup

test-cluster: setup ## Tests on a real Kubernetes, which is built the first time and ended afterwards
	@$(CLUSTER_TESTS)

test-cluster-full: setup ## The same with the real images of trainer and serving, of 2 GB each
	@ARTGRAB_CLUSTER_IMAGES=full $(CLUSTER_TESTS)

cluster-up: setup ## Start a Kubernetes for tests on this host; prints the KUBECONFIG to use
	@$(BIN)/python -m tests.cluster up

cluster-down: .venv/.installed ## End it and leave nothing of it
	@$(BIN)/python -m tests.cluster down

chaos: setup ## Kill downloaders, decoders, clients and the S3 server 200 times: nothing lost or twice (SEED=, KILLS=, URLS=)
	@$(BIN)/python -m tests.chaos.downloads $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS)) $(if $(URLS),--urls $(URLS))

chaos-run: setup ## Kill artgrab run at 50 points, folder and S3: it must end as if nobody had (SEED=, KILLS=)
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS))

bench-operator: setup ## The operator with 1,000 categories: time to look at all, writes in silence, memory
	@$(BIN)/python -m benchmarks.operator

bench-download: setup ## The downloader beside img2dataset and beside the bare work (nginx; ONLY=small,large, PICTURES=200)
	@$(BIN)/python -m benchmarks.download $(if $(ONLY),--only $(ONLY)) $(if $(PICTURES),--pictures $(PICTURES))

soak-serve: setup ## A served model under good and bad pictures: answers, memory (SECONDS=600, RUNTIME=native)
	@$(BIN)/python -m benchmarks.soak_serve $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RUNTIME),--runtime $(RUNTIME))

fuzz: setup ## Hostile bytes to all that reads bytes of strangers, on all cores (SECONDS=60, SEED=)
	@$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

bench-slow-host: setup ## What sites that answer nobody cost the others: percent of their time
	@$(BIN)/python -m benchmarks.slow_host

check: .venv/.installed ## Format, lint, types, import rules, contracts, generated code
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(MAKE) --no-print-directory protos && git diff --exit-code -- protos
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-types check-rest

# Takes a minute of one processor where nothing is cached.
check-types:
	@$(BIN)/mypy
	@$(BIN)/mypy tests benchmarks

check-rest:
	@PYTHONPATH= $(BIN)/lint-imports
	@$(BIN)/buf lint
	@$(BIN)/shellcheck scripts/* .ci/run
	@$(BIN)/hadolint Dockerfile tests/cluster/Dockerfile
	@$(MAKE) --no-print-directory docs && git diff --exit-code -- docs/resources.md helm/artgrab/README.md
	@$(MAKE) --no-print-directory manifests && git diff --exit-code -- k8s helm/artgrab/files
	@$(BIN)/python -m tests.chart check

docs: .venv/.installed ## Write docs/resources.md from the models, and the chart's README
	@$(BIN)/python -m artgrab.common.reference examples/everything.yaml >docs/resources.md
	@$(BIN)/python -m tests.chart readme

manifests: .venv/.installed ## Write k8s/ from the models and the chart
	@$(BIN)/python -m artgrab.common.crds k8s/crds
	@$(BIN)/python -m tests.chart manifests

format: .venv/.installed ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

protos: .venv/.installed ## Generate the Python code of the contracts
	@rm -f protos/artgrab/v1/*_pb2*.py*
	@$(BIN)/python -m grpc_tools.protoc -I protos --python_out=protos --pyi_out=protos $(PROTOS)
	@$(BIN)/python -m grpc_tools.protoc -I protos --grpc_python_out=protos $(filter %_service.proto,$(PROTOS))

images: ## Build the images with docker or buildah (REGISTRY=, TAG=, ARCHIVE=folder for archives)
	@scripts/images $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(TAG),--tag $(TAG)) $(if $(ARCHIVE),--archive $(ARCHIVE))

lock: ## Choose versions anew: requirements/*.lock from pyproject.toml
	@scripts/lock

clean: ## Remove what the commands made here (not the cache of the demo world)
	@rm -rf .venv artgrab-store .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
