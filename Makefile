# Every target sets up .venv first, once; `make PYTHON=/path/to/python3.11 ...` chooses its interpreter.

VENV := .venv
PY := $(VENV)/bin/python
RESNETC := $(PY) -m resnetc
EXTRAS := run,test,dev

# .venv is ready when it was filled for these requirements, in this folder.
READY := $(VENV)/ready-$(shell { pwd; cat pyproject.toml constraints.txt; } | cksum | cut -d' ' -f1)

.PHONY: help setup demo demo-seeds test test-fast test-slow check generated lint bench degradation studies fuzz sizes records mutants

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 18

setup: $(READY) ## make .venv and install resnetc with its extras there

demo: $(READY) ## show the architecture of specs/digits.resnet, then train it on scikit-learn's digits
	$(RESNETC) show specs/digits.resnet
	$(RESNETC) train specs/digits.resnet

demo-seeds: $(READY) ## train the demo with five seeds; print the worst accuracy
	@rm -rf runs/demo-seeds
	@for seed in 0 1 2 3 4; do \
	  $(RESNETC) train specs/digits.resnet --seed $$seed --out runs/demo-seeds/$$seed || exit; \
	done
	@tail -qn 1 runs/demo-seeds/*/metrics.jsonl \
	  | sed -n 's/.*"top1": *\([0-9.]*\).*/\1/p' | sort -n | sed -n '1s/.*/worst of five seeds: & %/p'

test: $(READY) ## run every test but the slow ones, with the same examples every time
	CI=true OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal --durations=20

test-fast: $(READY) ## run the tests that need no torch, start no process and draw nothing at random
	CI=true $(PY) -m pytest -n 2 --dist worksteal --without-torch -m 'not slow and not hypothesis' --durations=5

test-slow: $(READY) ## run the slow tests
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 -m slow

generated: $(READY) ## compile the specs whose modules are committed; write the index of the shipped networks
	$(PY) tools/make_index.py
	$(RESNETC) compile specs/imagenet -o generated/imagenet
	$(RESNETC) compile specs/cifar -o generated/cifar
	$(RESNETC) compile specs/digits.resnet -o generated

check: lint test ## run what continuous integration runs

lint: $(READY) ## run ruff and mypy
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy

bench: $(READY) ## compare the compiler's speed and memory with its budgets
	$(PY) benchmarks/compile.py

degradation: $(READY) ## train plain and residual nets of 20 to 56 layers (needs Debian's dataset-fashion-mnist)
	OMP_NUM_THREADS=1 $(RESNETC) study degradation --quick

studies: $(READY) ## re-run every claim about residual networks, quick (needs Debian's dataset-fashion-mnist)
	OMP_NUM_THREADS=1 $(RESNETC) study all --quick

fuzz: $(READY) ## compare 20,000 random networks and sizes with the real modules
	OMP_NUM_THREADS=1 $(PY) benchmarks/fuzz.py --pairs 20000

sizes: $(READY) ## compare the accepted sizes of every shipped network with its real module, up to 300
	OMP_NUM_THREADS=1 $(PY) benchmarks/sizes.py

records: $(READY) ## compare the shipped zoo with the records of torchvision's and timm's nets
	OMP_NUM_THREADS=1 $(PY) benchmarks/records.py

mutants: $(READY) ## plant faults in sizes, shapes and code generation: tests must detect each (up to 60 minutes)
	$(PY) benchmarks/mutants.py
	$(PY) benchmarks/code_mutants.py

$(READY):
	@set -e; \
	$(PY) -c '' 2>/dev/null || { \
	  for python in $(or $(PYTHON),python3.11 python3 python3.13 python3.12); do \
	    $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	    python=; \
	  done; \
	  test -n "$$python" || { \
	    echo 'resnetc needs Python 3.11 or newer, with its venv and ensurepip: make PYTHON=/path/to/python3.11' >&2; exit 1; }; \
	  echo "setting up $(VENV) with $$($$python --version) (once; torch is large, this takes a minute or more)"; \
	  $$python -m venv --clear $(VENV); \
	}; \
	$(PY) -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[$(EXTRAS)]'; \
	$(PY) -m compileall -q compiler grammar runtime specs src; \
	rm -f $(VENV)/ready-*
	@touch $@
