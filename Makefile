# Every target does its own set-up: only Python 3.11+, make and git are needed.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ARGS ?=

# The products here are small: threads of the linear algebra library only get in each other's way.
export OPENBLAS_NUM_THREADS := 1

.PHONY: demo test check serve format clean bench-dtmf bench-leak bench-media
.DEFAULT_GOAL := help

help:
	@echo "make demo   a caller pays by phone, start to finish (ARGS=--keep-open leaves the panel up)"
	@echo "make test   run every test"
	@echo "make check  format, lint, types and import rules"
	@echo "make bench-dtmf, bench-leak, bench-media  measure reading, masking, carrying (ARGS=--quick for a look)"
	@echo "make serve  run the gateway with embedded defaults until Ctrl-C"

.venv/.ready: pyproject.toml constraints.txt
	@echo "setting up .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# What has changed is compiled here, and not by the first worker while somebody waits for it.
.venv/.compiled: .venv/.ready $(wildcard dtmf/*.py bridge/media/*.py bridge/recording/*.py bridge/rtp/*.py)
	@echo "compiling the detector and the media loops (once) ..."
	@$(BIN)/python -m bridge.media.warm_up
	@touch $@

demo: .venv/.compiled
	@$(BIN)/tonewall demo $(ARGS)

serve: .venv/.compiled
	@$(BIN)/tonewall serve $(ARGS)

test: .venv/.compiled
	$(BIN)/python -X dev -m pytest $(ARGS)

check: .venv/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench-dtmf: .venv/.compiled
	@$(BIN)/python -m benchmarks.dtmf $(ARGS)

bench-leak: .venv/.compiled
	@$(BIN)/python -m benchmarks.leak $(ARGS)

bench-media: .venv/.compiled
	@$(BIN)/python -m benchmarks.media $(ARGS)

format: .venv/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv demo-output var .mypy_cache .ruff_cache .pytest_cache
