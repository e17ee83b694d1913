# `make install`: both programs side by side, where prebake looks for the one it puts into images;
# manual pages, shell completion, the shell functions for provisioning scripts.
MANUALS := $(addprefix $(BUILD)/man/,prebake.8 prebake-node.8 prebake-files.5)
COMPLETIONS := $(addprefix $(BUILD)/completion/,$(notdir $(PROGRAMS)))

# Pages and packages carry this date, so that the same sources give the same bytes.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y Makefile)

# The lists of commands in prebake.8 and prebake-node.8 are what the programs say of themselves.
$(BUILD)/man/%.commands: $(BUILD)/%
	@mkdir -p $(@D)
	$(Q)$< --manual >$@

$(BUILD)/man/prebake-files.commands:
	@mkdir -p $(@D)
	$(Q)touch $@

define manual_rule
$(BUILD)/man/$(1): doc/$(1).scd $(BUILD)/man/$(basename $(1)).commands Makefile
	$$(call say,MAN,$$@)
	$$(Q)sed -e 's/@VERSION@/$(VERSION)/' -e '/^@COMMANDS@$$$$/ {' -e 'r $$(word 2,$$^)' -e 'd' -e '}' \
	    $$< >$$@.scd
	$$(Q)SOURCE_DATE_EPOCH=$$(SOURCE_DATE_EPOCH) scdoc <$$@.scd >$$@
endef
$(foreach m,$(notdir $(MANUALS)),$(eval $(call manual_rule,$(m))))

$(BUILD)/completion/%: $(BUILD)/%
	@mkdir -p $(@D)
	$(Q)$< --bash-completion >$@

.DELETE_ON_ERROR:

# "MODE FOLDER FILE" for scripts/install-files.
INSTALLED := $(foreach f,$(PROGRAMS),0755 sbin $(f)) \
    $(foreach f,$(MANUALS),0644 share/man/man$(subst .,,$(suffix $(f))) $(f)) \
    $(foreach f,$(COMPLETIONS),0644 share/bash-completion/completions $(f)) \
    $(foreach f,$(sort $(wildcard scripts/aks/*.sh)),0644 share/prebake/aks $(f)) \
    $(foreach f,README.md LICENSE,0644 share/doc/prebake $(f))

.PHONY: install uninstall
install: export DESTDIR := $(DESTDIR)
install: export PREFIX := $(PREFIX)
install: all $(MANUALS) $(COMPLETIONS)
	@scripts/install-files install $(INSTALLED)

uninstall: export DESTDIR := $(DESTDIR)
uninstall: export PREFIX := $(PREFIX)
uninstall:
	@scripts/install-files uninstall
