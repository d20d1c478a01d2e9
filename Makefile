# `make demo` and `make test` are all that a user needs. They install everything into .venv first, once.
# Needs Python 3.10 or newer with venv, a C++ compiler, make and perl. For another Python: make demo PYTHON=python3.12

PYTHON ?= python3
PYTEST_ARGS ?= -n 2 --dist worksteal
# pip would compile 14,000 files one after another, of which Python needs a third: it keeps what it compiles itself.
PIP_ARGS := --quiet --disable-pip-version-check --no-compile -c constraints.txt
SOC_ARGS ?=
BENCH_ARGS ?= --model A0 --input-size 224 --multipliers 4096
BIN := .venv/bin
STAMP := .venv/.installed

# One set of library stubs is enough: the libraries of Python 3.10 are older, and mypy checks for 3.10 from any Python.
TYPES = @if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then set -x; $(BIN)/mypy; \
  else echo "mypy runs with Python 3.11 or newer: skipped"; fi

# As in an activated environment: the simulators' makefiles call `python` by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Hundreds of processes import the same modules. Images of containers often set this; here it costs minutes.
unexport PYTHONDONTWRITEBYTECODE

# Two pytest workers on two cores: more threads inside each only get in each other's way.
test: export OMP_NUM_THREADS = 1

# Every fault of a unit, under every pattern of stalls: tests/rtl/units.py.
test-long: export FAULTS = all

.DEFAULT_GOAL := help
.PHONY: help demo test test-long lint docs bench ulx3s soc clean distclean

help:
	@echo "make demo    the whole path on a trained network: fuse, quantize, Verilog, RTL simulation, one table"
	@echo "make test    ruff, mypy, Verilog lint and every test"
	@echo "make test-long   proofs at full size, 224x224: docs/benchmarks.md says how long they take"
	@echo "make lint    ruff and mypy only"
	@echo "make docs    the documentation as a site, in build/site; every link is checked"
	@echo "make bench   RepVGG-A0 at 224x224, whole, in RTL: seconds, memory, cycles on this machine"
	@echo "make ulx3s   the digits network's bitstream for a ULX3S-85F, by tools from PyPI"
	@echo "make soc     16 digits on a simulated system: LiteX, RISC-V CPU, DRAM, firmware in C, accelerator"
	@echo "make clean   remove what the above built; make distclean removes .venv, too"

demo: $(STAMP)
	$(BIN)/python -m examples.digits.demo

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(TYPES)

test: lint
	$(BIN)/pytest $(PYTEST_ARGS)

# Needs no network, neither here nor in a reader's browser. The theme's notice of its end of life is not the reader's concern.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	$(BIN)/python -m website.check build/site

# In order, one at a time: the whole network's simulator is built once.
test-long: $(STAMP)
	$(BIN)/pytest benchmarks -v --durations=0
	$(BIN)/pytest tests -m slow -v
	$(BIN)/pytest $(addprefix tests/rtl/test_,*units.py engine_*.py axi.py conv3x3.py winograd_conv.py window_buffer.py) -v

bench: $(STAMP)
	$(BIN)/python benchmarks/rtl.py $(BENCH_ARGS)

# The digits network as a bitstream for a ULX3S-85F, docs/boards.md; placing and routing take a while.
ulx3s: $(STAMP)
	$(BIN)/python -m examples.digits.data build/ulx3s/data
	$(BIN)/repvgg-hw generate --weights examples/digits/digits.safetensors --target verilog --force --input-size 32 \
	  --calibration build/ulx3s/data/calibration.npz --mean 0.305 --std 0.323 --multipliers 128 -o build/ulx3s/design
	$(BIN)/repvgg-hw board build/ulx3s/design --board ulx3s-85f --force -o build/ulx3s/board --bitstream build/ulx3s/digits.bit

# A whole system, docs/boards.md; two minutes on two cores. SOC_ARGS="--architecture engine" for the other one.
soc: $(STAMP)
	$(BIN)/python -m examples.digits.soc $(SOC_ARGS)

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null \
	  || { echo "repvgg-hw needs Python 3.10 or newer as $(PYTHON); name another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "$(PYTHON) lacks venv: install it (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@command -v c++ >/dev/null && command -v perl >/dev/null \
	  || { echo "The simulation needs a C++ compiler (c++) and perl on PATH: install g++ or clang++, and perl" >&2; exit 1; }
	@echo "Installing into .venv (once; torch is large)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install $(PIP_ARGS) hatchling editables
	$(BIN)/python -m pip install $(PIP_ARGS) --no-build-isolation -e '.[dev]'
	@touch $@
