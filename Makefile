# SPDX-License-Identifier: Apache-2.0
# What a person types. The build itself is Meson's (meson.build); this only knows the words.

.PHONY: build demo test test-unit test-integration test-performance test-security bench fuzz torture soak \
        round-trip sanitize valgrind lint format docs install deb test-deb test-service test-image clean \
        setup

BUILD := build

build: $(BUILD)/satellite

$(BUILD)/build.ninja:
	meson setup $(BUILD)

$(BUILD)/satellite: $(BUILD)/build.ninja FORCE
	@ninja -C $(BUILD)
	@ln -sf src/satellite $(BUILD)/satellite
FORCE:

setup:
	@scripts/setup.sh

demo: setup
	@$(MAKE) --no-print-directory build
	@node scripts/demo.mjs $(BUILD)/satellite

test: setup
	@$(MAKE) --no-print-directory build
	@scripts/test.sh $(BUILD)

test-unit: build
	@scripts/test.sh $(BUILD) unit

test-integration: build
	@scripts/test.sh $(BUILD) integration

test-performance: bench

# Every fault at every call, kill -9 at 250 random instants, a second make of node: hours where the
# machine is slow. make test has a short form of it.
torture:
	@scripts/setup.sh torture
	@$(MAKE) --no-print-directory build
	@SATELLITE=$(BUILD)/satellite TORTURE=long node --test tests/torture/*.test.mjs

# The service on a changing contract with faults: ten minutes, or make soak SECONDS=60
soak: build
	@SATELLITE=$(BUILD)/satellite node tests/torture/soak.mjs \
		$(if $(filter command line,$(origin SECONDS)),$(SECONDS),600)

# A backup put onto another chain and backed up there: no difference. make round-trip KEYS=100000
KEYS := 10000
round-trip: build
	@SATELLITE=$(BUILD)/satellite KEYS=$(KEYS) node --test tests/integration/round-trip.test.mjs

test-security: build
	@scripts/test.sh $(BUILD) security

bench:
	@scripts/setup.sh bench
	@$(MAKE) --no-print-directory build
	@node bench/bench.mjs $(BUILD)/satellite

# Ten minutes a target by default: make fuzz SECONDS=60
SECONDS_EACH := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),600)
fuzz:
	@scripts/setup.sh dev
	@scripts/fuzz.sh $(SECONDS_EACH)

# The whole test suite under ASan+UBSan, then under TSan.
sanitize: setup
	@scripts/sanitize.sh

valgrind: build
	@scripts/valgrind.sh $(BUILD)

lint:
	@scripts/setup.sh dev
	@scripts/lint.sh

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

# docs/configuration.md comes from src/config/settings.def, the table of docs/monitoring.md from
# src/observe/metrics.def.
docs: build
	@$(BUILD)/tests/test_config_config_text --write
	@$(BUILD)/tests/test_observe_metrics_text --write

install: build
	@meson install -C $(BUILD)

# Debian packages, to $(BUILD)/deb.
deb:
	@scripts/setup.sh deb
	@scripts/deb.sh $(BUILD)

# Debian roots of their own; these need root. test-deb installs, upgrades, removes and purges the packages,
# test-service boots systemd with them, test-image builds and runs the container's image.
test-deb: deb
	@scripts/test-deb.sh $(BUILD)

test-service: deb
	@scripts/test-service.sh $(BUILD)

test-image:
	@scripts/setup.sh deb
	@scripts/test-image.sh $(BUILD)

clean:
	@rm -rf $(BUILD)
