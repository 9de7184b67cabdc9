# make run · make test · make check · make pretrained · make bench-edges
PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8501
HOST   ?= 127.0.0.1
BIN    := $(VENV)/bin

.PHONY: run test check pretrained bench-edges browser clean

run: $(VENV)/.run  ## install what running needs, then serve the dashboard with the shipped demo
	$(BIN)/streamlit run app.py --server.port $(PORT) --server.address $(HOST)

test: $(VENV)/.test browser  ## install what testing needs, then run all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(VENV)/.test  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

pretrained: $(VENV)/.run  ## make pretrained/demo again
	$(BIN)/python -m gvci.pretrained

bench-edges: $(VENV)/.run  ## refined edges against their rivals; resumes where it stopped
	$(BIN)/python -m benchmarks.edges

# torch goes first and from its CPU index where that answers: elsewhere pip fetches CUDA.
$(VENV)/.run: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet "torch==2.13.0"
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt
	touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	touch $@

browser:
	@sh tests/browser/install.sh

clean:
	rm -rf $(VENV)
