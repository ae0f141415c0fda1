# make run            the main job, encoders for 2 to 5 eLinks, on the embedded synthetic data; DATA=file.csv for your own
# make test           the tests, but for those of minutes (make test-slow)
VENV ?= .venv
BIN := $(VENV)/bin
SIMULATOR := iverilog:iverilog
# What the main job can do without: a set-up that cannot get it says so and goes on.
OPTIONAL := yosys:yosys:optional
TOOLS := $(SIMULATOR) verilator:verilator yosys:yosys sta:opensta chromium:chromium g++:g++ pg_ctlcluster:postgresql tclsh:tcl
export VENV

# Values with blanks arrive whole because the shell, not make, splits the line.
RUN_OPTIONS = $(if $(PRESET),--preset "$(PRESET)") $(if $(CONFIG),--config "$(CONFIG)") \
	$(if $(DATA),--data "$(DATA)") $(if $(OUT),--out "$(OUT)") $(OPTIONS)

.PHONY: run test check format test-slow verify-million seu benchmarks notebooks docs clean

run:
	@scripts/setup $(SIMULATOR) $(OPTIONAL)
	@$(BIN)/econ-ae run $(RUN_OPTIONS)

test:
	@scripts/setup $(TOOLS)
	@$(BIN)/pytest -n auto --dist loadfile -m "not slow"

check:
	@scripts/setup $(TOOLS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format:
	@scripts/setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-slow:
	@scripts/setup $(TOOLS)
	@$(BIN)/pytest -n auto --dist loadfile -m slow

# Campaigns on a run directory: RUN=runs/econ_t-synthetic-1 (of make run PRESET=econ-t)
verify-million:
	@scripts/setup $(TOOLS)
	@$(BIN)/econ-ae verify "$(RUN)" --suite datapath --simulator verilator --events 1000000

seu:
	@scripts/setup $(TOOLS)
	@$(BIN)/econ-ae verify "$(RUN)" --suite seu

benchmarks:
	@scripts/setup $(TOOLS)
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

notebooks:
	@scripts/setup $(SIMULATOR)
	$(BIN)/python scripts/notebooks.py

docs: notebooks
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build site *.egg-info metrics/*.so
