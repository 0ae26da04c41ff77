# What a person types often. `make` alone lists it.

.PHONY: help setup build search test lint oracle bench

help:
	@echo "make search  set up, build, and search on embedded defaults"
	@echo "make build   set up and build target/release/nasc"
	@echo "make test    set up and run every test"
	@echo "make lint    formatting and clippy"
	@echo "make oracle  public networks checked against PyTorch's figures"
	@echo "make bench   training steps beside PyTorch (PYTHON names an interpreter with torch)"
	@echo "make setup   install what is missing: Debian packages, the default language model, oneDNN"

setup:
	@scripts/setup.sh

build: setup
	cargo build --release --locked

search: setup
	cargo run --release --locked --quiet -- search $(ARGS)

test: setup
	cargo fmt --all --check
	if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --workspace --locked --no-fail-fast; \
	else \
	  cargo test --workspace --locked --no-fail-fast --lib --bins --tests; \
	fi
	cargo test --workspace --locked --doc

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

# Sources of public networks against PyTorch's figures; NETWORKS names the file of figures.
NETWORKS ?= ../shared/oracle/networks.jsonl
oracle:
	scripts/fetch-oracle.sh
	cargo run --release --locked --quiet -p nasc-oracle -- $(NETWORKS) "$${XDG_CACHE_HOME:-$$HOME/.cache}/nasc/oracle" $(ARGS)

PYTHON ?= python3
bench: setup
	cargo build --release --locked -p nasc-runtime --example step
	$(PYTHON) scripts/bench_train.py "$${CARGO_TARGET_DIR:-target}/release/examples/step" $(ARGS)
