# `make bench`: measures side by side and prints test/bench/rows as a table; also build/bench.json.
BENCH_TOOLS := $(patsubst %.c,$(BUILD)/%,$(wildcard test/bench/*.c))

.PHONY: bench
bench:
	@scripts/install-deps bench
	+@$(MAKE) -s test-programs
	@test/bench/bench

test-programs: $(BENCH_TOOLS)
$(BENCH_TOOLS): $(BUILD)/test/bench/%: $(BUILD)/test/bench/%.o $(NODE_ARCHIVES)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(NODE_ARCHIVES) -Wl,--end-group $(BUILDER_LIBS)
