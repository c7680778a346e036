# psweep: five programs over one library. Targets: all (default) demo test test-all bench lint install
# deps deps-servers pictures clean. Programs land in bin/, everything else in build/.

VERSION  := 0.1.0
CC       := gcc
OPT      := -O2 -g
PREFIX   := /usr/local

# One rounding for each operation as written, on every machine: the bits are a promise.
BITS     := -ffp-contract=off
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CPPFLAGS += -D_GNU_SOURCE -DPSWEEP_VERSION='"$(VERSION)"' -I. -Ilib -MMD -MP
CFLAGS   += -std=c17 $(OPT) $(WARN) $(BITS)

TOOLS    := psfetch psaug pstrain pseval psplot
BIN      := $(TOOLS:%=bin/%)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all demo pictures test test-all bench lint install deps deps-servers clean
all: $(BIN)

# Before anything is built: is all that it needs on this machine? demo and test install what is missing,
# other goals say it. The answer is a file that make includes, so that make, having made it, reads this
# Makefile afresh and finds the libraries that were installed.
INSTALL_FOR := demo pictures test test-all deps
GOALS    := $(filter-out deps-servers lint clean,$(or $(MAKECMDGOALS),all))
ifneq ($(GOALS),)
ifeq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
include build/$(if $(filter $(INSTALL_FOR),$(GOALS)),install,check).ready
endif
endif
build/%.ready: .ci/deps
	@.ci/deps $*
	@mkdir -p $(@D) && touch $@
deps:
	@.ci/deps install
deps-servers:
	@.ci/deps servers

# Debian 13 and Ubuntu 24.04 call msgpack-c's C library msgpack-c; before that it is msgpack.
pkg       = $(shell pkg-config $(1) $(2) 2>/dev/null)
MSGPACK  := $(shell for p in msgpack-c msgpack; do pkg-config --exists $$p 2>/dev/null && echo $$p && break; done)

# The library, and which part of it and which foreign libraries each program needs.
LIB      := $(patsubst %.c,build/%.o,$(wildcard lib/*.c))
NN       := $(patsubst %.c,build/%.o,$(wildcard lib/nn/*.c lib/nn/cpu/*.c))
# The CPU engine's kernels are compiled once for each instruction set that it may choose at run time.
MACHINE  := $(shell $(CC) -dumpmachine 2>/dev/null)
ISA      := c $(if $(filter x86_64-%,$(MACHINE)),avx2 avx512) $(if $(filter aarch64-%,$(MACHINE)),neon)
KERNELS  := $(notdir $(wildcard lib/nn/cpu/kernels/*.c))
NN       += $(foreach isa,$(ISA),$(KERNELS:%.c=build/lib/nn/cpu/kernels/$(isa)/%.o))
FETCH    := $(patsubst %.c,build/%.o,$(wildcard tools/fetch/*.c))
AUGMENT  := $(patsubst %.c,build/%.o,$(wildcard tools/augment/*.c))
TRAIN    := $(patsubst %.c,build/%.o,$(wildcard tools/train/*.c))
EVAL     := $(patsubst %.c,build/%.o,$(wildcard tools/eval/*.c))
PLOT     := $(patsubst %.c,build/%.o,$(wildcard tools/plot/*.c))

STREAM    = $(call pkg,--libs,$(MSGPACK) libxxhash)
bin/psfetch: $(FETCH) build/libpsweep.a
bin/psfetch: LDLIBS = $(STREAM) $(call pkg,--libs,libcurl libcrypto expat libpng libjpeg libarchive) -lm -pthread
bin/psaug:   $(AUGMENT) build/libpsweep.a
bin/psaug:   LDLIBS = $(STREAM) -lm
bin/pstrain: $(TRAIN) build/libpsnn.a build/libpsweep.a
bin/pstrain: LDLIBS = $(STREAM) -lm -pthread
bin/pseval:  $(EVAL) build/libpsnn.a build/libpsweep.a
bin/pseval:  LDLIBS = $(STREAM) -lm -pthread
bin/psplot:  $(PLOT) build/libpsweep.a
bin/psplot:  LDLIBS = $(STREAM) $(call pkg,--libs,cairo) -lm
build/tools/plot/%.o: CPPFLAGS += $(call pkg,--cflags,cairo)

$(BIN):
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

build/libpsweep.a: $(LIB)
build/libpsnn.a: $(NN)
build/%.a:
	@rm -f $@
	$(AR) rcs $@ $^

build/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

define kernels_of
build/lib/nn/cpu/kernels/$(1)/%.o: CPPFLAGS += -DISA=$(1)
build/lib/nn/cpu/kernels/$(1)/%.o: CFLAGS += -O3 $$(UNROLL) $$(ISA_$(1))
build/lib/nn/cpu/kernels/$(1)/%.o: lib/nn/cpu/kernels/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<
endef
# Loops over a block of sums must be unrolled whole, or the sums are not in registers.
UNROLL     := --param max-completely-peeled-insns=2000
ISA_avx2   := -mavx2 -mfma
ISA_avx512 := -mavx512f -mfma
$(foreach isa,$(ISA),$(eval $(call kernels_of,$(isa))))

# A benchmark measures the machine it is built on, so it may use all of its instructions.
build/tests/bench/%.o: CFLAGS += -march=native
build/tests/bench/%_bench: build/tests/bench/%_bench.o build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ $(STREAM) -lm -pthread

# A test of tools/ROOM/NAME.c is tests/unit/NAME_test.c; it is linked with the objects of that room that
# have no main(). Every test may use the other files of tests/unit and tests/doubles and both libraries,
# and links what it uses of the foreign ones.
MAINS    := build/tools/fetch/psfetch.o build/tools/augment/psaug.o build/tools/train/pstrain.o \
            build/tools/eval/pseval.o build/tools/plot/psplot.o
TESTS    := $(patsubst %.c,build/%,$(wildcard tests/unit/*_test.c))
SUPPORT  := $(filter-out %_test.o,$(patsubst %.c,build/%.o,$(wildcard tests/unit/*.c tests/doubles/*.c)))
room_of   = $(dir $(firstword $(wildcard tools/*/$(1).c)))
objects   = $(if $(1),$(filter-out $(MAINS),$(patsubst %.c,build/%.o,$(wildcard $(1)*.c))))
.SECONDEXPANSION:
build/tests/unit/%_test: build/tests/unit/%_test.o $$(call objects,$$(call room_of,$$*)) \
                         build/tests/support.a build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(call pkg,--libs,cmocka) $(STREAM) \
	    $(call pkg,--libs,libcurl libcrypto expat libpng libjpeg libarchive cairo) \
	    -lm -pthread
build/tests/support.a: $(SUPPORT)
build/tests/unit/%.o: CPPFLAGS += $(call pkg,--cflags,cairo)

# What the engine computes as digests, to be compared between machines (tests/pipe/arm.bats).
build/tests/bits/digest: build/tests/bits/digest.o build/tests/support.a build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ -lm -pthread
build/tests/bits/%.o: CPPFLAGS += -Itests/unit

# tests/run names each test that was skipped; with CI set, a skip that CI could do without fails.
PROVE     = LC_ALL=C.UTF-8 prove --timer --exec tests/run
SCRIPTS  := $(wildcard tests/pipe/*.bats tests/faults/*.bats)
test: all $(TESTS) build/tests/bits/digest
	$(PROVE) $(TESTS) $(SCRIPTS)
test-all: all $(TESTS) build/tests/bits/digest
	PSWEEP_LONG=1 $(PROVE) $(TESTS) $(SCRIPTS)

# Figures of this machine, now: never part of a test.
bench: build/tests/bench/stream_bench build/tests/bench/engine_bench bin/psfetch
	build/tests/bench/stream_bench
	build/tests/bench/engine_bench
	tests/bench/fetch.sh

# A sweep of depths 1 to 4 over drawn shapes: table, best network, its test accuracy, charts.
demo: all
	@rm -rf build/demo
	pipelines/sweep --depth 1-4 --epochs 12 --data synth:shapes --limit 6000 -o build/demo

# The picture that README.md shows.
pictures: demo
	cp build/demo/curves.png pipelines/demo.png

# What a linter that is here finds is an error; one that is not here is named.
with      = if command -v $(firstword $(1)) >/dev/null; then echo $(firstword $(1)); $(1); \
            else echo "$(firstword $(1)) is not here: skipped (make deps-servers installs it)"; fi
SOURCES  := $(wildcard lib/*.[ch] lib/*/*.[ch] lib/*/*/*.[ch] lib/*/*/*/*.[ch] tools/*/*.[ch] tests/*/*.[ch])
MANUALS  := $(wildcard tools/*/*.1 lib/*.5 pipelines/*.1)
SHELLS   := .ci/run .ci/deps pipelines/sweep tests/run tests/helper.bash $(SCRIPTS) $(wildcard tests/servers/*.sh tests/bench/*.sh)
lint:
	@$(call with,clang-format --dry-run -Werror $(SOURCES))
	@$(call with,cppcheck --quiet --std=c11 --enable=warning$(,)performance$(,)portability \
	    --suppress=missingIncludeSystem --inline-suppr --error-exitcode=1 -I. -Ilib \
	    $(filter %.c,$(SOURCES)))
	@$(call with,shellcheck -x $(SHELLS))
	@$(call with,mandoc -T lint -W warning $(MANUALS))
, := ,

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/psweep \
	    $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 755 $(BIN) pipelines/sweep $(DESTDIR)$(PREFIX)/bin
	install -m 644 pipelines/sweep.mk lib/FORMAT.md $(DESTDIR)$(PREFIX)/share/psweep
	$(foreach m,$(MANUALS),install -m 644 $m $(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $m)) &&) :

clean:
	rm -rf bin build

-include $(shell find build -name '*.d' 2>/dev/null)
