# What lands where: the shared library, completion for shells, install and uninstall, bundles. The variables are those of the GNU
# conventions; PREFIX is another name of prefix. share/psweep and lib/psweep stay beside bin, for programs find them from
# where they stand.
prefix      := $(PREFIX)
exec_prefix := $(prefix)
bindir      := $(exec_prefix)/bin
libdir      := $(exec_prefix)/lib
includedir  := $(prefix)/include
datarootdir := $(prefix)/share
mandir      := $(datarootdir)/man
bashcompletiondir := $(datarootdir)/bash-completion/completions
zshcompletiondir  := $(datarootdir)/zsh/site-functions
.PHONY: install uninstall bundle

# The library for other programs (lib/public/psweep.h): what of ours its calls use, and only they are seen. Its number
# is raised when programs that are linked with it must be compiled anew.
SHARED   := libpsweep.so.0
build/lib/%.o: CFLAGS += -fPIC -fno-semantic-interposition
build/$(SHARED): build/lib/public/psweep.o build/libpsnn.a build/libpsruns.a build/libpsweep.a lib/public/psweep.map
	$(CC) $(LDFLAGS) -shared -Wl,-soname,$(SHARED) -Wl,--version-script,lib/public/psweep.map -Wl,-z,defs -o $@ \
	    $(filter %.o %.a,$^) $(STREAM) -lm -pthread
all: build/$(SHARED)

# Completion is made of what each program's --help says, which is its table of options; those of pstrain and psaug are
# sweep's, too.
COMPLETED  := $(TOOLS) sweep
COMPLETION := $(foreach name,$(COMPLETED),build/completion/$(name) build/completion/_$(name))
COMPLETE    = awk -v name=$* -v recipes='$(notdir $(wildcard pipelines/recipes/*))' -f packaging/completion.awk
build/completion/%.help: bin/%
	@mkdir -p $(@D)
	@LC_ALL=C.UTF-8 bin/$* --help >$@
build/completion/sweep.help: pipelines/sweep build/completion/pstrain.help build/completion/psaug.help
	@LC_ALL=C.UTF-8 pipelines/sweep --help | cat - $(filter %.help,$^) >$@
build/completion/_%: build/completion/%.help packaging/completion.awk
	@$(COMPLETE) -v shell=zsh $< >$@
build/completion/%: build/completion/%.help packaging/completion.awk
	@$(COMPLETE) -v shell=bash $< >$@
all: $(COMPLETION)

# For a recipe, which closes the quotes.
share     = "$(DESTDIR)$(bindir)/../share/psweep

## install       all of it below prefix (/usr/local), that below DESTDIR; bindir, libdir, mandir and so on are heeded
install: all
	install -d "$(DESTDIR)$(bindir)" "$(DESTDIR)$(libdir)/pkgconfig" "$(DESTDIR)$(includedir)/psweep" \
	    "$(DESTDIR)$(bashcompletiondir)" "$(DESTDIR)$(zshcompletiondir)" $(foreach n,1 5 7,"$(DESTDIR)$(mandir)/man$n") \
	    $(foreach room,sweep.d/parallel recipes examples,$(share)/$(room)")
	install -m 755 $(BIN) pipelines/sweep "$(DESTDIR)$(bindir)"
	$(if $(PLUGIN),install -D -m 644 $(PLUGIN) "$(DESTDIR)$(bindir)/../lib/psweep/$(notdir $(PLUGIN))")
	install -m 644 pipelines/sweep.mk pipelines/matlab.md pipelines/others.md lib/FORMAT.md $(share)"
	install -m 755 pipelines/optuna_sweep.py pipelines/progress_to_tensorboard.py $(share)"
	install -m 644 pipelines/psweep_net.py pipelines/psweep_torch.py $(share)"
	install -m 644 pipelines/sweep.d/*.* $(share)/sweep.d"
	install -m 755 pipelines/sweep.d/parallel/sleep $(share)/sweep.d/parallel"
	install -m 644 pipelines/recipes/* $(share)/recipes"
	install -m 644 pipelines/examples/* $(share)/examples"
	$(foreach m,$(MANUALS),install -m 644 $m "$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $m))" &&) :
	install -m 644 $(filter-out build/completion/_%,$(COMPLETION)) "$(DESTDIR)$(bashcompletiondir)"
	install -m 644 $(filter build/completion/_%,$(COMPLETION)) "$(DESTDIR)$(zshcompletiondir)"
	install -m 644 lib/public/psweep.h "$(DESTDIR)$(includedir)/psweep"
	install -m 644 build/$(SHARED) "$(DESTDIR)$(libdir)/libpsweep.so.$(VERSION)"
	ln -sf libpsweep.so.$(VERSION) "$(DESTDIR)$(libdir)/$(SHARED)"
	ln -sf $(SHARED) "$(DESTDIR)$(libdir)/libpsweep.so"
	sed 's|@prefix@|$(call escaped,$(prefix))|; s|@libdir@|$(call escaped,$(libdir))|; s|@includedir@|$(call escaped,$(includedir))|; s|@version@|$(VERSION)|' \
	    lib/public/psweep.pc.in >"$(DESTDIR)$(libdir)/pkgconfig/psweep.pc"
# pkg-config wants a blank in a path escaped, and so does sed want what escapes it.
escaped   = $(subst $() ,\\ ,$(1))

## uninstall     removes what install, told the same, would put there, and the folders that are its own
uninstall: all
	@rm -rf build/uninstall
	@$(MAKE) -s install DESTDIR='$(CURDIR)/build/uninstall'
	@find build/uninstall ! -type d -printf '%P\0' | (cd "$(DESTDIR)/" && xargs -0 rm -f)
	@find build/uninstall -depth -type d -path '*/psweep*' -printf '%P\0' | (cd "$(DESTDIR)/" && xargs -0 rmdir 2>/dev/null || :)
	@rm -rf build/uninstall

# A program of a bundle finds its libraries beside it, before any of the machine, and they each other, which only
# DT_RPATH does. msgpack-c and xxHash are within: so what trains needs the C library alone. So is libarchive, and what
# psfetch never asks for is left out of it: the writer of xar, for which there would be 40 MB of XML and Unicode.
BUNDLE   := build/psweep-$(VERSION)-$(shell uname -m)-linux
BUNDLED  := $(TOOLS:%=build/bundled/%)
$(BUNDLED): LDFLAGS += -s -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/../lib/psweep'
$(BUNDLED): STREAM = $(patsubst -l%,-l:lib%.a,$(call pkg,--libs,$(MSGPACK) libxxhash))
$(BUNDLED): ARCHIVING = -Wl,--defsym=archive_write_set_format_xar=0 -l:libarchive.a -Wl,--as-needed \
    $(shell objdump -p "$$($(CC) -print-file-name=libarchive.so)" | sed -n 's/^ *NEEDED *lib/-l:lib/p')
## bundle        programs with all that they need, in a folder that runs anywhere: build/psweep-VERSION-…-linux, and .tar.gz
bundle: $(BUNDLED) $(PLUGIN)
	@rm -rf $(BUNDLE)
	@$(MAKE) -s install BIN='$(BUNDLED)' DESTDIR='$(CURDIR)/$(dir $(BUNDLE))' PREFIX=/$(notdir $(BUNDLE))
	@rm -rf $(BUNDLE)/include $(BUNDLE)/lib/pkgconfig $(BUNDLE)/lib/libpsweep.so* # for those who compile
	@.ci/bundle $(BUNDLE)

# Debian's packages, which psweep-cuda is one of where its engine can be built. Their changelog has the version and the
# time of the last commit, so that the same sources give the same bytes, whenever and in whatever folder.
EPOCH     = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md))
DEB      := build/deb/psweep-$(VERSION)
.PHONY: deb
## deb           packages for this Debian or Ubuntu, in build/deb (needs debhelper and build-essential)
deb:
	rm -rf build/deb && mkdir -p $(DEB)
	cp -pr .ci CHANGELOG.md LICENSE Makefile README.md lib packaging pipelines tests tools $(DEB)
	mv $(DEB)/packaging/debian $(DEB)
	printf 'psweep (%s) unstable; urgency=medium\n\n  * What is new, CHANGELOG.md tells.\n\n -- %s  %s\n' $(VERSION) \
	    "$$(sed -n 's/^Maintainer: //p' $(DEB)/debian/control)" "$$(LC_ALL=C date -u -R -d @$(EPOCH))" >$(DEB)/debian/changelog
	cd $(DEB) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL SOURCE_DATE_EPOCH=$(EPOCH) DEB_BUILD_OPTIONS="noautodbgsym $$DEB_BUILD_OPTIONS" \
	    dpkg-buildpackage -us -uc -b $(if $(PLUGIN),-Ppkg.psweep.cuda)
	rm -rf $(DEB)
	@ls build/deb/*.deb
