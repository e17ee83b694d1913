# `make deb`: a Debian package of each program, in build/deb. The same sources give the same bytes.
DEB_MAINTAINER ?= prebake authors <prebake@example.org>

.PHONY: deb
deb: all $(MANUALS) $(COMPLETIONS)
	@rm -rf $(BUILD)/deb
	@DESTDIR=$(BUILD)/deb/installed PREFIX=/usr scripts/install-files install $(INSTALLED)
	@VERSION='$(VERSION)' MAINTAINER='$(DEB_MAINTAINER)' SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) \
	    scripts/make-deb $(BUILD)/deb
