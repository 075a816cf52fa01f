# SPDX-License-Identifier: GPL-2.0-or-later
# The front door. Meson and ninja do the work; this installs what they need, and names the usual
# ways in. `make help` lists them.

PREFIX ?= /usr/local
DESTDIR ?=
MESON ?= meson
NINJA ?= ninja

all: build

# Each tree is set up once; meson itself sees to it that later changes of options are followed.
build/build.ninja:
	@tools/deps build
	$(MESON) setup build --prefix=$(PREFIX)

build-fault/build.ninja:
	@tools/deps build test
	$(MESON) setup build-fault -Dfault=true

build-asan/build.ninja:
	@tools/deps build test
	$(MESON) setup build-asan -Dfault=true -Db_sanitize=address,undefined -Db_lundef=false

build: build/build.ninja
	$(NINJA) -C build

build-fault: build-fault/build.ninja
	$(NINJA) -C build-fault

build-asan: build-asan/build.ninja
	$(NINJA) -C build-asan

demo:
	@tools/deps demo
	@log=$$(mktemp) && echo 'building ...' && \
		{ $(MAKE) --no-print-directory build >$$log 2>&1 || { cat $$log; rm $$log; exit 1; }; } && \
		rm $$log
	@HOLM=$(CURDIR)/build/holm tools/demo

# Meson looks for cmocka when a tree is set up. One that was made by a mere `make`, before cmocka
# came, has no unit tests yet.
with-tests:
	@tools/deps test
	@[ ! -e build/build.ninja ] || [ -d build/tests/unit ] || $(MESON) setup --reconfigure build
	@$(MAKE) --no-print-directory build

check: with-tests
	@tests/run --quick

test: with-tests
	@tools/deps lint vm
	@$(MAKE) --no-print-directory build-fault build-asan
	@tests/run

test-vm: with-tests
	@tools/deps vm
	@tests/run vm

test-oci:
	@tools/deps oci
	@$(MAKE) --no-print-directory build
	@tests/oci/validation

test-kubelet:
	@tools/deps kubelet
	@$(MAKE) --no-print-directory build
	@tests/interop/kubelet/build
	@bats tests/interop/kubelet

lint:
	@tools/deps lint
	@$(MAKE) --no-print-directory build
	@tools/lint

bench:
	@tools/deps bench
	@$(MAKE) --no-print-directory build
	@bench/run

soak:
	@$(MAKE) --no-print-directory build
	@tests/soak/judge
	@tests/soak/net

fuzz:
	@tools/deps test
	@tests/fuzz/run

install: build/build.ninja
	$(MESON) configure build -Dprefix=$(PREFIX)
	$(NINJA) -C build
	DESTDIR=$(DESTDIR) $(MESON) install -C build --no-rebuild

clean:
	rm -rf build build-fault build-asan build-fuzz build-vm

help:
	@echo 'make            build into build/'
	@echo 'make demo       watch programs run isolated (20 s)'
	@echo 'make check      the quick tests (2 min)'
	@echo 'make test       all checks and tests, sanitizers too'
	@echo 'make test-vm    cgroup v2, v1 and both on another kernel, in a virtual machine (20 s)'
	@echo 'make test-oci   the validation programs of opencontainers/runtime-tools with holm-oci (3 min)'
	@echo 'make test-kubelet  pods by a kubelet, which is built before (5 min, and then 7)'
	@echo 'make lint       only the checks that read the code; tools/lint NAME for one of them'
	@echo 'make bench      speed against the kernel'"'"'s floor and bubblewrap'
	@echo 'make soak       20,000 jobs, 1,500 boxes on a network, and what is left of them'
	@echo 'make fuzz       fuzz the parsers (FUZZ_SECONDS=60 each)'
	@echo 'make install    into PREFIX (/usr/local), below DESTDIR'
	@echo 'make clean      remove the build trees'

.PHONY: all build build-fault build-asan demo check test test-vm test-oci test-kubelet with-tests lint bench soak fuzz install clean help
