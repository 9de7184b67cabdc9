# make run · make test · make check · make docs · make screens · make pretrained · make story
# make fuzz · bench-table1 · bench-edges · bench-model · bench-scores · bench-coverage · bench-estimator
# make bench · bench-load · bench-pages
PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8501
HOST   ?= 127.0.0.1
# By which names the server may be called; for a room any, unless NAMES says better.
NAMES  ?= $(if $(filter 127.0.0.1 localhost ::1,$(HOST)),localhost 127.0.0.1 ::1,*)
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: run test check docs screens pretrained story fuzz browser clean
.PHONY: bench-table1 bench-edges bench-model bench-scores bench-coverage bench-estimator
.PHONY: bench bench-load bench-pages

run: $(VENV)/.run  ## install what running needs, then serve the dashboard with the shipped demo
	$(BIN)/streamlit run app.py --server.port $(PORT) --server.address $(HOST) \
	  $(foreach name,$(NAMES),--server.allowedHosts '$(name)')

test: $(VENV)/.test browser  ## install what testing needs, then run all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.test  ## format, lint, types, and known weaknesses of what is installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tests.advisories

docs: $(VENV)/.test  ## the reference as web pages in docs/api, from docstrings
	$(BIN)/python -m docs.reference docs/api

screens: $(VENV)/.test browser  ## make docs/screens again
	GVCI_SCREENS=docs/screens $(BIN)/python -m pytest tests/browser/test_screens.py

pretrained: $(VENV)/.run  ## make the folders of pretrained/ again; the real ones need GVCI_DATA_DIR
	$(BIN)/python -m gvci.shipped.pretrained

story: $(VENV)/.run  ## make docs/story.md and its figures again; needs Kang's and Papalexi's cells
	OMP_NUM_THREADS=1 $(BIN)/python -m story

bench: $(VENV)/.run  ## speed and scale beside literal forms, growth, a million cells; resumes
	$(BIN)/python -m benchmarks.bench $(PARTS)

bench-edges: $(VENV)/.run  ## refined edges against their rivals; resumes where it stopped
	$(BIN)/python -m benchmarks.edges

bench-model: $(VENV)/.run  ## the model's steps, evaluation and memory beside the literal form
	$(BIN)/python -m benchmarks.model

bench-table1: $(VENV)/.run  ## the paper's Table 1 on the demo screen and on Kang; resumes
	for table in table1-demo table1-kang; do \
	  $(BIN)/python -m gvci benchmark benchmarks/specs/$$table.toml --out runs/benchmark/$$table && \
	  cp runs/benchmark/$$table/table.md benchmarks/results/$$table.md && \
	  cp runs/benchmark/$$table/tidy.parquet benchmarks/results/$$table.parquet || exit 1; done

bench-scores: $(VENV)/.run  ## speed and memory of the scores beside a literal form
	$(BIN)/python -m benchmarks.scores

bench-coverage: $(VENV)/.run  ## bias, sd and coverage of marginal effects, by simulation
	$(BIN)/python -m benchmarks.coverage

bench-estimator: $(VENV)/.run  ## speed and memory of marginal effects beside the literal loop
	$(BIN)/python -m benchmarks.estimator

bench-load: $(VENV)/.test  ## thirty people at once on one server
	$(BIN)/python -m benchmarks.load

bench-pages: $(VENV)/.test browser  ## first page, switches, networks, predictions, memory
	$(BIN)/python -m benchmarks.pages

fuzz: $(VENV)/.test  ## hostile files against the door, kills of writers and of jobs, counted
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults.fuzz_door
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults.kills --writes 1000 --jobs 20

# torch goes first: where pip would fetch CUDA, TORCH_INDEX names the index of its CPU build,
# and a torch that is already in the environment stays.
$(VENV)/.run: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -c "import torch" 2>/dev/null || \
	  $(PIP) "torch==2.13.0" $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	touch $@

browser:
	@sh tests/browser/install.sh

clean:
	rm -rf $(VENV)
