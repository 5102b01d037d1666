# The commands of everyday work. `make help` lists them.
#
# Whatever needs a debug binary takes the one that `cargo test --no-run` leaves behind. Cargo.toml names the features
# that keep `cargo build`, `cargo doc` and `cargo test` on one set of dependencies.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
DEBUG_BIN := $(TARGET)/debug/tidegauge
RELEASE_BIN := $(TARGET)/release/tidegauge
# Which tests `make test` runs, such as TEST_FILTER=wal.
TEST_FILTER ?=
# Arguments of `make run`, such as ARGS='--bind 0.0.0.0:8086'.
ARGS ?=
# The binary of `make demo`; without one a release build.
DEMO_BIN ?=
# Seconds for each fuzz target.
FUZZ_SECONDS ?= 60
# Fuzz targets, all when empty, such as FUZZ_TARGETS=line_protocol.
FUZZ_TARGETS ?=

# Arguments of `make differential`: statements, seed, and seconds instead of a number of statements.
COUNT ?= 2000
SEED ?= 1
SECONDS ?=
# What `make test` compares with InfluxDB, always the same: about half a minute.
TEST_DIFFERENTIAL ?= --seed 7 --count 600

# Seeds of `make simulate`, and the first of them.
SEEDS ?= 10000
FIRST ?= 1

.PHONY: help
help: ## list the commands
	@echo "Usage: make COMMAND"; echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## build the server and run it on 127.0.0.1:8086, data in ./tidegauge-data
	@echo "==> building the server (the first time takes some minutes)"
	$(CARGO) build --release --bin tidegauge
	exec $(RELEASE_BIN) serve $(ARGS)

.PHONY: demo
demo: ## start a server on a temporary folder, load the weather, ask it things
ifeq ($(DEMO_BIN),)
	@echo "==> building the server (the first time takes some minutes)"
	$(CARGO) build --release --bin tidegauge
	@scripts/demo.sh $(RELEASE_BIN)
else
	@scripts/demo.sh $(DEMO_BIN)
endif

.PHONY: test
test: test-rust test-clients test-differential ## run every test: Rust, documentation, real clients, and a comparison with InfluxDB

.PHONY: test-rust
test-rust:
	@echo "==> unit and integration tests"
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace --no-tests=pass $(TEST_FILTER); \
	else \
		$(CARGO) test --workspace --lib --bins --tests $(TEST_FILTER); \
	fi
	@echo "==> examples in the documentation"
	$(CARGO) test --workspace --doc $(TEST_FILTER)

.PHONY: test-clients
test-clients:
	@echo "==> building the server for the clients"
	$(CARGO) test --workspace --no-run
	@echo "==> real clients: Python, the influx shell, Flight SQL, DuckDB"
	@TIDEGAUGE_BIN=$(abspath $(DEBUG_BIN)) scripts/client_tests.sh

# KiB of address space that either server may take in the comparisons.
DIFFERENTIAL_KIB := 33554432
DIFFERENTIAL = ulimit -v $(DIFFERENTIAL_KIB); TIDEGAUGE_BIN=$(abspath $(DEBUG_BIN)) $(TARGET)/debug/examples/differential

.PHONY: test-differential
test-differential:
	@if command -v influxd >/dev/null; then \
		echo "==> building the server and the fuzzer"; \
		$(CARGO) test --workspace --no-run; \
		echo "==> the same questions to InfluxDB and to Tidegauge"; \
		$(DIFFERENTIAL) $(TEST_DIFFERENTIAL); \
	else \
		echo "==> skipped: the comparison with InfluxDB, for influxd is missing (apt-get install influxdb)"; \
	fi

.PHONY: check
check: static test ## format, lints, documentation, layers and every test: what has to pass before a merge

.PHONY: static
static: format lint docs layers

.PHONY: format
format:
	@echo "==> format"
	$(CARGO) fmt --all --check

.PHONY: lint
lint:
	@echo "==> lints"
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) check --manifest-path fuzz/Cargo.toml --quiet

.PHONY: docs
docs:
	@echo "==> documentation"
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

.PHONY: layers
layers:
	@echo "==> layers"
	$(CARGO) test --workspace --test it layers::

.PHONY: bench
bench: ## measure parsing, ingest, queries, planning and encoding
	@echo "==> benches"
	$(CARGO) bench --workspace --benches

.PHONY: golden
golden: ## record the scenarios' answers again from a real InfluxDB 1.6 (Debian's package influxdb)
	@echo "==> recording answers of InfluxDB"
	@command -v influxd >/dev/null || { echo "influxd is missing: apt-get install influxdb"; exit 1; }
	$(CARGO) run --example golden

.PHONY: differential
differential: ## compare with a real InfluxDB 1.6 on COUNT random statements of SEED, or for SECONDS
	@echo "==> building the server and the fuzzer"
	$(CARGO) test --workspace --no-run
	@echo "==> the same questions to InfluxDB and to Tidegauge"
	@command -v influxd >/dev/null || { echo "influxd is missing: apt-get install influxdb"; exit 1; }
	@$(DIFFERENTIAL) --seed $(SEED) --count $(COUNT) $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: simulate
simulate: ## simulate the storage engine under faults for SEEDS seeds from FIRST on; `make test` runs 100
	@echo "==> simulating"
	TIDEGAUGE_SIMULATION_SEEDS=$(SEEDS) TIDEGAUGE_SIMULATION_FIRST=$(FIRST) \
		$(CARGO) test --workspace --test it simulation::any_history -- --nocapture

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZ_SECONDS, or those of FUZZ_TARGETS
	@echo "==> fuzzing"
	@scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

.PHONY: dist
dist: ## build the binary that is shipped, and pack it
	@echo "==> building for shipping (thin LTO; takes a while)"
	$(CARGO) build --profile dist --bin tidegauge
	@version=$$($(TARGET)/dist/tidegauge --version | cut -d' ' -f2); \
	name=tidegauge-$$version-$$(uname -m)-$$(uname -s | tr A-Z a-z); \
	folder=$(TARGET)/dist/$$name; mkdir -p $$folder; \
	cp -r $(TARGET)/dist/tidegauge README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE docs $$folder/; \
	tar -C $(TARGET)/dist -czf $(TARGET)/dist/$$name.tar.gz $$name; \
	echo "$(TARGET)/dist/$$name.tar.gz"
