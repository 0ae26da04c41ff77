# What a person types often. `make` alone lists it.

.PHONY: help setup build search test lint

help:
	@echo "make search  set up, build, and search on embedded defaults"
	@echo "make build   set up and build target/release/nasc"
	@echo "make test    set up and run every test"
	@echo "make lint    formatting and clippy"
	@echo "make setup   install what is missing: Debian packages and the default language model"

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
