# Checks. `make check` runs every part below and counts the results; each part also runs alone.
CHECK_PARTS := unit layers format shell warnings sanitize snapshot scripts
# Parts of scripts, run as one: each alone would leave a processor idle at its end. First what many of
# them bake is compiled, next come those that bake none of it, last the shortest.
SCRIPT_PARTS := compile install aks provision laws vm e2e
CHECK_LONG_PARTS := incidents kernels edits sweeps convergence image packer valgrind
SCRIPTS := $(shell grep -rIlE --exclude-dir=corpus '^\#!/bin/(ba)?sh' scripts test .ci 2>/dev/null) \
           scripts/aks/prebake-gpu.sh test/aks/functions.bats
C_FILES = $(shell find base kmod toolchain builder test -name '*.[ch]')
SNAPSHOT := $(BUILD)/test/lib/snapshot
TEST_TOOLS := $(patsubst %.c,$(BUILD)/%,$(wildcard test/lib/*.c))
# The e2e, laws and vm parts work on roots below it; the same folder serves the quickstart.
export BUILD_DIR := $(abspath $(BUILD))

.PHONY: check check-long install-deps
check: install-deps
	+@LEFT_OUT='left out (make check-long runs them): $(addprefix check-,$(CHECK_LONG_PARTS))' \
	    test/lib/run-parts $(CHECK_PARTS)

check-long:
	@scripts/install-deps long
	+@test/lib/run-parts $(CHECK_LONG_PARTS)

install-deps:
	@scripts/install-deps check

.PHONY: $(addprefix check-,$(CHECK_PARTS) $(SCRIPT_PARTS) $(CHECK_LONG_PARTS))

check-unit: unit-tests
	@test/lib/run-unit $(UNIT_TESTS)

check-layers:
	@test/lib/step check-layers-notices-faults test/check-layers --self-test
	@test/lib/step layers test/check-layers

check-format:
	@test/lib/step format clang-format --dry-run -Werror $(C_FILES)

# Each script alone takes in what it reads: a second of computing, so all processors at once.
check-shell:
	@test/lib/step shellcheck sh -c 'printf "%s\n" "$$@" | xargs -n 8 -P "$$(nproc)" shellcheck -x -a' \
	    shellcheck $(SCRIPTS)

# gcc makes what is used, clang makes what is checked at run time: both must have nothing to say.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The runtime as a shared library: a third of the time that linking takes.
SANITIZE_RUNTIME = $(dir $(shell clang -print-file-name=libclang_rt.asan-x86_64.so))
MAKE_SANITIZED = $(MAKE) -s BUILD=$(BUILD)/sanitize CC=clang CFLAGS='-O1 -g $(SANITIZE)' \
                 LDFLAGS='-shared-libasan -Wl,-rpath,$(SANITIZE_RUNTIME)'
check-warnings:
	@test/lib/step warnings-gcc $(MAKE) -s CC=gcc-12 all unit-tests
	+@test/lib/step warnings-clang $(MAKE_SANITIZED) all unit-tests

check-sanitize:
	+@test/lib/step sanitize-build $(MAKE_SANITIZED) unit-tests
	@test/lib/run-unit $(patsubst $(BUILD)/%,$(BUILD)/sanitize/%,$(UNIT_TESTS))

# Debian 12's valgrind does not know openat2(2) and pidfd_open(2), which whatever looks beneath a root
# needs: only what works on memory runs there. The sanitizers see the rest.
VALGRIND_TESTS := $(addprefix $(BUILD)/test/unit/test_,error buffer strlist keyvalue telemetry \
                                                       symvers licence printable)
check-valgrind: unit-tests
	@UNIT_WRAPPER='valgrind -q --error-exitcode=99 --leak-check=full' \
	    test/lib/run-unit $(VALGRIND_TESTS)

# What the tests of whole programs need.
.PHONY: test-programs
test-programs: all $(TEST_TOOLS)
$(BUILD)/test/lib/inject: $(BUILD)/test/lib/tracing/call.o
$(TEST_TOOLS): $(BUILD)/test/lib/%: $(BUILD)/test/lib/%.o
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lcrypto -lkmod

check-snapshot: $(SNAPSHOT)
	@test/lib/test-snapshot.sh

scripts_of = $(if $(filter aks,$(1)),test/aks/run,$(sort $(wildcard test/$(1)/*.sh)))
check-compile check-install check-aks check-provision check-laws check-vm check-e2e check-incidents \
check-kernels check-sweeps: check-%: test-programs
	@test/lib/run-scripts $(call scripts_of,$*)

check-scripts: test-programs
	@test/lib/run-scripts $(foreach part,$(SCRIPT_PARTS),$(call scripts_of,$(part)))

check-packer: test-programs
	@test/packer

check-image: $(SNAPSHOT)
	@test/image

# check-laws has a dozen.
check-edits: test-programs
	@RANDOM_EDITS=200 test/laws/random-edits.sh

# Every fault at every call; check-sweeps has the crashes.
check-convergence: test-programs
	@CONVERGENCE=full test/sweeps/convergence.sh
