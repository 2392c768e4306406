# make        set-up, exercises, solutions graded, book executed and built
# make test   the same, then the test suite

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# nbgrader looks for alembic, and Jupyter for its kernels, on PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Nothing here needs the installer's or a debugger's advice.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1
# The matrices here are small: more threads for each of them only wait for each other.
export OPENBLAS_NUM_THREADS := 1

# The checkers, which pages do not run, apart from the rest.
CHECKS := $(wildcard package/gradlab/checks/*.py)
PACKAGE := $(filter-out $(CHECKS),$(shell find package -name '*.py' -o -name '*.npz'))
SOLUTIONS := $(wildcard solutions/*.py)
BOOK := $(shell find book -type f) _config.yml _toc.yml
# The longest come first, so that no core waits for the last page.
LONGEST := $(patsubst %,book/%.md,in-practice batch-normalization transfer-learning dropout \
  initialization layer-normalization)
EXECUTED := $(LONGEST) $(filter-out $(LONGEST),$(shell grep -l code-cell book/*.md))
CACHE := _build/.jupyter_cache
FORCE ?=
# Solutions are graded while the book is built.
MAKEFLAGS += --jobs=2

.PHONY: all test book live exercises grade oracles lint serve bench clean

all: book
	@echo "The book is built. Open _build/html/index.html, or run: make serve"

test: all
	@# In the tree's order: the browser's and nbgrader's tests, which are the longest, come first. They
	@# wait for pages and for limits of time, so one process more than there are cores has work.
	$(BIN)/pytest -q -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist loadscope --no-loadscope-reorder

$(VENV)/.installed: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "gradlab needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	         "Name another one: make PYTHON=python3.12"; exit 1; }
	@echo "Installing the packages of constraints.txt into $(VENV) (a minute or two) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q -c constraints.txt -e '.[book,grading,test]'
	@# Kernels here serve this machine alone: their warning about it would bury the others.
	@mkdir -p $(VENV)/etc/ipython
	@echo '{"IPKernelApp": {"log_level": "ERROR"}}' > $(VENV)/etc/ipython/ipython_kernel_config.json
	@touch $@

course/.exercises: $(VENV)/.installed $(SOLUTIONS) $(wildcard tools/*.py) nbgrader_config.py
	@echo "Generating the exercises ..."
	@$(BIN)/python tools/exercises.py generate
	@touch $@

course/.graded: course/.exercises $(PACKAGE) $(CHECKS)
	@echo "Grading the solutions themselves ..."
	@$(BIN)/python tools/exercises.py grade
	@touch $@

# Pages are executed again when their own text changed, which jupyter-cache sees, or when the code
# they show did, which it does not.
_build/.code: $(VENV)/.installed $(PACKAGE)
	@rm -rf $(CACHE)
	@mkdir -p $(CACHE)
	@touch $@

# What the start page offers. setuptools would pack what an earlier build left in build/.
_build/.wheel: $(VENV)/.installed $(PACKAGE) $(CHECKS) README.md
	@rm -rf build _build/wheel
	@$(BIN)/python -m pip wheel -q --no-deps -w _build/wheel .
	@rm -rf build
	@touch $@

# Pages are executed side by side, those that changed; jupyter-book takes them from the cache, and
# shows what went wrong in those that are not there. It writes all anew each time: Sphinx's memory of
# the last build would skip a page whose cells failed, and keep files that nothing makes any more.
_build/.book: _build/.code _build/.wheel course/.exercises $(BOOK)
	@echo "Executing the pages of the book ..."
	@$(BIN)/jcache notebook -p $(CACHE) add -r myst_nb_md $(EXECUTED) > _build/execution.log
	@$(BIN)/jcache project -p $(CACHE) execute -e local-parallel -t 300 2>&1 \
	  | tee -a _build/execution.log | sed -nu 's/.*Successful: .*book/  book/p'
	@echo "Building the book ..."
	@rm -rf _build/.doctrees _build/html
	@$(BIN)/jupyter-book build . -W -n --keep-going -q
	@touch $@

book: _build/.book course/.graded

# The kernels for the pages that compute, as WebAssembly. The file is committed.
live: $(VENV)/.installed
	$(BIN)/python tools/live.py build

# FORCE=1 replaces notebooks in exercises/ that somebody has worked in.
exercises: $(VENV)/.installed
	@$(BIN)/python tools/exercises.py generate $(if $(FORCE),--force)

grade: course/.graded

# PyTorch and optax, for the tests that compare with them live. The suite runs without them.
oracles: $(VENV)/.installed
	@$(BIN)/python -m pip install -q -c constraints.txt -e '.[oracles]'

lint: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

serve: book
	$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 8000

# On one thread and on all, ours and NumPy's; the last step writes the README's table.
bench: oracles
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/kernels.py
	$(BIN)/python benchmarks/kernels.py --threads $$(nproc)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/epochs.py
	$(BIN)/python benchmarks/epochs.py --threads $$(nproc)
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/summary.py

clean:
	rm -rf _build course/.exercises course/.graded
