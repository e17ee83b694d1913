# `make install`: both programs side by side, where prebake looks for the one it puts into images.
.PHONY: install uninstall
install: all
	install -D -m 0755 -t $(DESTDIR)$(PREFIX)/sbin $(PROGRAMS)

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/sbin/,$(notdir $(PROGRAMS)))
