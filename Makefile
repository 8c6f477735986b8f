# The same chores by hand and in CI. Needs python3, pip and make; everything else is installed.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
ARGS ?=
PIP_ARGS ?=
TEST_BACKENDS ?= torch,paddle
export TEST_BACKENDS

.PHONY: setup compare test lint
.DELETE_ON_ERROR:

setup: $(STAMP)

# Without its own pip, so that a python3 without ensurepip (Debian's) will do: ours installs into it.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear --without-pip $(VENV)
	$(PYTHON) -m pip --python $(RUN) install --quiet --constraint constraints.txt $(PIP_ARGS) --editable '.[all]'
	touch $@

# Measured anew each time: a folder that holds results is otherwise gone on with.
compare: $(STAMP)
	rm -f report/result.json
	$(RUN) -m benchmarks.compare --model alexnet --engine eager,deploy --layers --rounds 12 --report report $(ARGS)

# One process a core with one thread each: most tests keep no second core busy. At most four, for each
# may hold 5 GiB. Huge pages for malloc: float64 AlexNets spend a third of their time on page faults without.
test: $(STAMP)
	OMP_NUM_THREADS=1 GLIBC_TUNABLES=glibc.malloc.hugetlb=1 \
		$(RUN) -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

lint: $(STAMP)
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
