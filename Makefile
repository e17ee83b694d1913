# prebake: see README.md. `make quickstart` and `make check` do everything on a fresh machine.
VERSION := 0.1.0
PREFIX ?= /usr
DESTDIR ?=
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif

# All processors unless told otherwise; V=1 shows the commands.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
Q := $(if $(V),,@)
say = @$(if $(or $(V),$(findstring s,$(firstword -$(MAKEFLAGS)))),:,printf '  %-4s %s\n' $(1) $(2))

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
CPPFLAGS += -D_GNU_SOURCE -DPREBAKE_VERSION='"$(VERSION)"' -I.
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(WARNINGS) -fstack-protector-strong -fPIE -ffunction-sections \
              -fdata-sections -ffile-prefix-map=$(CURDIR)=. $(CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--gc-sections -Wl,--as-needed $(LDFLAGS)

# Each layer is a static archive: a program takes only the objects it needs, and a library that
# prebake-node must not have (libelf, libarchive) makes its link fail.
LAYERS := base kmod/module kmod/system kmod/lifecycle toolchain builder
MAINS := builder/main.c kmod/lifecycle/main.c
layer_sources = $(filter-out $(MAINS),$(sort $(wildcard $(1)/*.c)))
layer_objects = $(patsubst %.c,$(BUILD)/%.o,$(call layer_sources,$(1)))
layer_archive = $(BUILD)/lib$(subst /,-,$(1)).a

ARCHIVES := $(foreach l,builder toolchain kmod/lifecycle kmod/system kmod/module base,$(call layer_archive,$(l)))
NODE_ARCHIVES := $(foreach l,kmod/lifecycle kmod/system kmod/module base,$(call layer_archive,$(l)))

# jansson is linked statically: the node program's shared libraries stay libc, libkmod, libcrypto.
JANSSON := -l:libjansson.a
NODE_LIBS := -lkmod -lcrypto $(JANSSON)
# So is libarchive, of which two formats are needed: the shared one brings libxml2, ICU and libstdc++
# along, half the time that the program takes to start.
ARCHIVE := -l:libarchive.a -lbz2 -llz4
BUILDER_LIBS := $(ARCHIVE) -lelf -lzstd -llzma -lz $(NODE_LIBS)

PROGRAMS := $(BUILD)/prebake $(BUILD)/prebake-node

.PHONY: all
all: $(PROGRAMS)

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define layer_rule
$(call layer_archive,$(1)): $(call layer_objects,$(1))
	@mkdir -p $$(@D) && rm -f $$@
	$$(Q)ar rcsD $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rule,$(l))))

$(BUILD)/prebake: $(BUILD)/builder/main.o $(ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(BUILDER_LIBS)

$(BUILD)/prebake-node: $(BUILD)/kmod/lifecycle/main.o $(NODE_ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(NODE_ARCHIVES) -Wl,--end-group $(NODE_LIBS)

# Unit tests: one CUnit program a source.
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard test/unit/test_*.c)))
# There are so many that linking is most of the work.
UNIT_LDFLAGS := -fuse-ld=gold
UNIT_HELPERS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(wildcard test/unit/test_*.c),$(wildcard test/unit/*.c)))

$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/%.o $(UNIT_HELPERS) $(ARCHIVES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(UNIT_LDFLAGS) -o $@ $< $(UNIT_HELPERS) -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(BUILDER_LIBS) -lcunit

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS)

include test/check.mk
include test/fuzz.mk
include test/bench.mk
include scripts/install.mk
include scripts/deb.mk
include scripts/quickstart.mk

-include $(wildcard $(foreach l,$(LAYERS) test/unit test/lib test/bench,$(BUILD)/$(l)/*.d))
.SECONDARY:
