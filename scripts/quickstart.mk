# `make quickstart`: on a fresh Debian 12 machine, as root, from nothing to a bake and its teardown.
.PHONY: quickstart
quickstart:
	@scripts/install-deps quickstart
	@$(MAKE) -s all $(SNAPSHOT)
	@scripts/quickstart
