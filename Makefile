# psweep: six programs over one library. Programs land in bin/, everything else in build/. make help lists the
# targets, from the lines of all makefiles that begin with ##. Tests, benchmarks, pictures and what is installed have
# makefiles beside them.

VERSION  := 0.2.0
CC       := gcc
OPT      := -O2 -g
PREFIX   := /usr/local

# One rounding for each operation as written, on every machine: the bits are a promise.
BITS     := -ffp-contract=off
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CPPFLAGS += -D_GNU_SOURCE -DPSWEEP_VERSION='"$(VERSION)"' -I. -Ilib -MMD -MP
CFLAGS   += -std=c17 $(OPT) $(WARN) $(BITS)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help demo deps deps-servers clean always

## all           the programs, in bin/: what make does when told nothing
all:

## help          this list
help:
	@sed -n 's/^## //p' Makefile $(MAKEFILES_BESIDE)

# Before anything is built: is all that it needs on this machine? demo and test install what is missing,
# other goals say it. The answer is a file that make includes, so that make, having made it, reads this
# Makefile afresh and finds the libraries that were installed.
INSTALL_FOR := demo pictures test test-all deps
GOALS    := $(filter-out help deps-servers lint fresh clean,$(or $(MAKECMDGOALS),all))
ifneq ($(GOALS),)
ifeq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
include build/$(if $(filter $(INSTALL_FOR),$(GOALS)),install,check).ready
endif
endif
build/%.ready: .ci/deps
	@.ci/deps $*
	@mkdir -p $(@D) && touch $@
## deps          installs what building and testing need (apt-get), and nothing else
deps:
	@.ci/deps install
## deps-servers  installs what only developers need: real servers for tests, linters
deps-servers:
	@.ci/deps servers

, := ,
# Debian 13 and Ubuntu 24.04 call msgpack-c's C library msgpack-c; before that it is msgpack.
pkg       = $(shell pkg-config $(1) $(2) 2>/dev/null)
MSGPACK  := $(shell for p in msgpack-c msgpack; do pkg-config --exists $$p 2>/dev/null && echo $$p && break; done)

# The library; what was read of runs; the networks and their engines.
LIB      := $(patsubst %.c,build/%.o,$(wildcard lib/*.c))
RUNS     := $(patsubst %.c,build/%.o,$(wildcard lib/runs/*.c))
NN       := $(patsubst %.c,build/%.o,$(wildcard lib/nn/*.c lib/nn/cpu/*.c))
# The CPU engine's kernels are compiled once for each instruction set that it may choose at run time.
MACHINE  := $(shell $(CC) -dumpmachine 2>/dev/null)
ISA      := c $(if $(filter x86_64-%,$(MACHINE)),avx2 avx512) $(if $(filter aarch64-%,$(MACHINE)),neon)
KERNELS  := $(notdir $(wildcard lib/nn/cpu/kernels/*.c))
NN       += $(foreach isa,$(ISA),$(KERNELS:%.c=build/lib/nn/cpu/kernels/$(isa)/%.o))
build/libpsweep.a: $(LIB)
build/libpsruns.a: $(RUNS)
build/libpsnn.a: $(NN)
build/%.a:
	@rm -f $@
	$(AR) rcs $@ $^

build/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
# What tells the version is compiled anew when there is another.
$(patsubst %.c,build/%.o,$(shell grep -l PSWEEP_VERSION lib/*.c lib/*/*.c lib/*/*/*.c tools/*/*.c tools/*/*/*.c)): build/version
build/version: always
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

define kernels_of
build/lib/nn/cpu/kernels/$(1)/%.o: CPPFLAGS += -DISA=$(1)
build/lib/nn/cpu/kernels/$(1)/%.o: CFLAGS += $$(FAST) $$(ISA_$(1))
build/lib/nn/cpu/kernels/$(1)/%.o: lib/nn/cpu/kernels/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<
endef
# Loops over a block of sums must be unrolled whole, or the sums are not in registers: gcc wants to be told.
PEEL       := --param max-completely-peeled-insns=2000
UNROLL     := $(if $(shell echo | $(CC) $(PEEL) -Werror -x c -c -o /dev/null - 2>&1),,$(PEEL))
FAST       := -O3 $(UNROLL)
ISA_avx2   := -mavx2 -mfma -mtune=haswell
ISA_avx512 := -mavx512f -mfma -mtune=skylake-avx512
$(foreach isa,$(ISA),$(eval $(call kernels_of,$(isa))))

# Formats of images whose libraries may be absent; make WEBP= GIF= builds without them. psfetch says so.
WEBP     := $(call pkg,--libs,libwebp libwebpdemux)
GIF      := $(if $(shell printf '\043include <gif_lib.h>\n' | $(CC) -E -x c - 2>/dev/null | grep DGifGetImageHeader),-lgif)
ABSENT   := $(if $(WEBP),,webp) $(if $(GIF),,gif)
UNBUILT  := $(ABSENT:%=build/tools/fetch/decoding/%.o)
ARCHIVING = $(call pkg,--libs,libarchive)
FETCHING  = $(call pkg,--libs,libcurl libcrypto expat libpng libjpeg zlib libzstd jansson libutf8proc) $(ARCHIVING) $(WEBP) $(GIF) -pthread
# Newer than psfetch when there are others of these libraries than it was built with.
build/formats: always
	@mkdir -p $(@D)
	@echo '$(WEBP) $(GIF)' | cmp -s - $@ || echo '$(WEBP) $(GIF)' >$@
bin/psfetch build/bundled/psfetch: build/formats
DRAWING   = $(call pkg,--libs,cairo fontconfig)
build/tools/plot/%.o: CPPFLAGS += $(call pkg,--cflags,cairo fontconfig)
STREAM    = $(call pkg,--libs,$(MSGPACK) libxxhash)
# An engine that is loaded calls these of the program.
ENGINES   = -pthread -ldl $(foreach name,fail why ealloc egrow maths_power,-Wl,--export-dynamic-symbol=$(name))

# The programs: $(call program,NAME,ROOM,LIBRARIES,FOREIGN) is bin/NAME of tools/ROOM and its folders, and of those of our
# libraries; its files name each other's headers from there. build/bundled/NAME is the same, linked for a bundle.
objects   = $(filter-out $(UNBUILT),$(patsubst %.c,build/%.o,$(wildcard tools/$(1)/*.c tools/$(1)/*/*.c)))
define program
TOOLS    += $(1)
build/tools/$(2)/%.o: CPPFLAGS += -Itools/$(2)
bin/$(1) build/bundled/$(1): $(call objects,$(2)) $(3:%=build/lib%.a)
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $$(STREAM) $$($(4)) -lm
endef
$(eval $(call program,psfetch,fetch,psweep,FETCHING))
$(eval $(call program,psaug,augment,psnn psweep,))
$(eval $(call program,pstrain,train,psnn psruns psweep,ENGINES))
$(eval $(call program,pseval,eval,psnn psruns psweep,ENGINES))
$(eval $(call program,psplot,plot,psruns psweep,DRAWING))
$(eval $(call program,psdump,dump,psruns psweep,))
BIN      := $(TOOLS:%=bin/%)
all: $(BIN)
# A filter of one file, to be built by its name: pipelines/filters/NAME.c becomes build/pipelines/filters/NAME.
build/pipelines/filters/%: build/pipelines/filters/%.o build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ $(STREAM) -lm


## demo          a sweep of depths 1 to 4 over drawn shapes: table, best network, its test accuracy, charts
demo: all
	@rm -rf build/demo
	pipelines/sweep --depth 1-4 --epochs 12 --data synth:shapes --limit 6000 -o build/demo

## clean         removes bin/ and build/
clean:
	rm -rf bin build

MAKEFILES_BESIDE := lib/nn/cuda/plugin.mk packaging/install.mk tests/tests.mk tests/fuzz/fuzz.mk tests/cuda/cuda.mk tests/doubles/cuda/doubles.mk tests/bench/bench.mk pipelines/pictures.mk
include $(MAKEFILES_BESIDE)
-include $(shell find build \( -path build/arm -o -path build/sanitized -o -path build/fuzzed -o -path build/deb \) -prune -o -type f -name '*.d' -print 2>/dev/null)
