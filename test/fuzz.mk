# Fuzzing. `make fuzz` runs every target test/fuzz/fuzz_*.c under libFuzzer for FUZZ_SECONDS each, or
# those of FUZZ_NAMES ("make fuzz FUZZ_SECONDS=600 FUZZ_NAMES=module"); what it finds stays in
# $(BUILD)/fuzz and is where the next run begins. `make check-corpus` runs the targets over
# test/fuzz/corpus/NAME as plain tests: what once was a crash becomes a file there.
FUZZ_SECONDS ?= 60
FUZZ_NAMES := $(patsubst test/fuzz/fuzz_%.c,%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
FUZZERS := $(FUZZ_NAMES:%=$(BUILD)/test/fuzz/fuzz_%)
CORPUS_RUNNERS := $(FUZZ_NAMES:%=$(BUILD)/test/fuzz/corpus_%)
link_fuzz = $(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(2) -o $@ $(1) \
    -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(BUILDER_LIBS)
CHECK_PARTS += corpus

.PHONY: fuzz fuzzers corpus-runners check-corpus
fuzzers: $(FUZZERS)
corpus-runners: $(CORPUS_RUNNERS)

$(FUZZERS): $(BUILD)/test/fuzz/fuzz_%: $(BUILD)/test/fuzz/fuzz_%.o $(ARCHIVES)
	$(call say,LINK,$@)
	$(call link_fuzz,$<,-fsanitize=fuzzer)

$(CORPUS_RUNNERS): $(BUILD)/test/fuzz/corpus_%: $(BUILD)/test/fuzz/fuzz_%.o $(BUILD)/test/fuzz/run_corpus.o $(ARCHIVES)
	$(call say,LINK,$@)
	$(call link_fuzz,$(filter %.o,$^),)

# With every branch counted, so it is a build of its own.
fuzz:
	@$(MAKE) -s -j$$(nproc) BUILD=$(BUILD)/fuzz CC=clang CFLAGS='-O1 -g $(SANITIZE) \
	    -fsanitize=fuzzer-no-link' fuzzers
	@test/fuzz/run-fuzzers $(BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ_NAMES)

check-corpus:
	@test/lib/step corpus-build $(MAKE_SANITIZED) corpus-runners
	@for name in $(FUZZ_NAMES); do test/lib/step corpus-$$name \
	    $(BUILD)/sanitize/test/fuzz/corpus_$$name test/fuzz/corpus/$$name/* || failed=1; done; \
	    exit $${failed:-0}

-include $(wildcard $(BUILD)/test/fuzz/*.d)
