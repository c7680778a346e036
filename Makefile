# psweep: five programs over one library. Programs land in bin/, everything else in build/. make help lists the
# targets, from the lines here that begin with ##.

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
.PHONY: all help demo pictures cifar golden plans test test-all fresh bench bench-gpu lint install deps \
          deps-servers clean always

## all           the programs, in bin/: what make does when told nothing
all: $(BIN)

## help          this list
help:
	@sed -n 's/^## //p' Makefile

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
# Formats of images whose libraries may be absent; make WEBP= GIF= builds without them. psfetch says so.
WEBP     := $(call pkg,--libs,libwebp libwebpdemux)
GIF      := $(if $(shell printf '\043include <gif_lib.h>\n' | $(CC) -E -x c - 2>/dev/null | grep DGifGetImageHeader),-lgif)
ABSENT   := $(if $(WEBP),,webp) $(if $(GIF),,gif)
FETCH    := $(filter-out $(ABSENT:%=build/tools/fetch/%.o),$(patsubst %.c,build/%.o,$(wildcard tools/fetch/*.c)))
FETCHING  = $(call pkg,--libs,libcurl libcrypto expat libpng libjpeg libarchive zlib jansson libutf8proc) $(WEBP) $(GIF)
AUGMENT  := $(patsubst %.c,build/%.o,$(wildcard tools/augment/*.c))
TRAIN    := $(patsubst %.c,build/%.o,$(wildcard tools/train/*.c))
EVAL     := $(patsubst %.c,build/%.o,$(wildcard tools/eval/*.c))
PLOT     := $(patsubst %.c,build/%.o,$(wildcard tools/plot/*.c))

# What an engine that is loaded calls of the program.
EXPORT   := $(foreach name,fail why ealloc egrow,-Wl,--export-dynamic-symbol=$(name))
STREAM    = $(call pkg,--libs,$(MSGPACK) libxxhash)
bin/psfetch: $(FETCH) build/libpsweep.a build/formats
bin/psfetch: LDLIBS = $(STREAM) $(FETCHING) -lm -pthread
bin/psaug:   $(AUGMENT) build/libpsweep.a
bin/psaug:   LDLIBS = $(STREAM) -lm
bin/pstrain: $(TRAIN) build/libpsnn.a build/libpsweep.a
bin/pstrain: LDLIBS = $(STREAM) -lm -pthread -ldl $(EXPORT)
bin/pseval:  $(EVAL) build/libpsnn.a build/libpsweep.a
bin/pseval:  LDLIBS = $(STREAM) -lm -pthread -ldl $(EXPORT)
bin/psplot:  $(PLOT) build/libpsweep.a
bin/psplot:  LDLIBS = $(STREAM) $(call pkg,--libs,cairo fontconfig) -lm
build/tools/plot/%.o: CPPFLAGS += $(call pkg,--cflags,cairo fontconfig)

# A filter of one file, to be built by its name: pipelines/filters/NAME.c becomes build/pipelines/filters/NAME.
build/pipelines/filters/%: build/pipelines/filters/%.o build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ $(STREAM) -lm

# Newer than psfetch when there are others of these libraries than it was built with.
build/formats: always
	@mkdir -p $(@D)
	@echo '$(WEBP) $(GIF)' | cmp -s - $@ || echo '$(WEBP) $(GIF)' >$@

$(BIN):
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

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
# Loops over a block of sums must be unrolled whole, or the sums are not in registers: gcc wants to be told.
PEEL       := --param max-completely-peeled-insns=2000
UNROLL     := $(if $(shell echo | $(CC) $(PEEL) -Werror -x c -c -o /dev/null - 2>&1),,$(PEEL))
ISA_avx2   := -mavx2 -mfma -mtune=haswell
ISA_avx512 := -mavx512f -mfma -mtune=skylake-avx512
$(foreach isa,$(ISA),$(eval $(call kernels_of,$(isa))))

# The GPU engine is a shared object that pstrain and pseval load when they find it. It is made where the
# CUDA toolkit and cuDNN are; make CUDA=0 never does. On the machine where it runs, the libraries are
# found where they were at building, or by the usual ways.
NVCC     := $(if $(filter 0,$(CUDA)),,$(shell command -v nvcc 2>/dev/null))
CUDA_HOME := $(if $(NVCC),$(patsubst %/bin/,%,$(dir $(shell readlink -f $(NVCC)))))
# cuDNN from 9.8 on describes devices as plan.h wants it; nvcc knows more architectures with each version.
CUDNN_H  := $(if $(NVCC),$(shell grep -sl CUDNN_ATTR_DEVICEPROP_HANDLE $(CUDA_HOME)/include/cudnn_graph.h \
            /usr/include/cudnn_graph.h))
PLUGIN   := $(if $(CUDNN_H),bin/libpsweep-cuda.so)
CUDA_C   := $(patsubst %.c,build/%.o,$(wildcard lib/nn/cuda/*.c))
CUDA_CU  := $(patsubst %.cu,build/%.cu.o,$(wildcard lib/nn/cuda/*.cu))
CUDA_ISA := $(filter $(if $(NVCC),$(patsubst sm_%,%,$(shell $(NVCC) --list-gpu-code))),75 80 86 89 90 100 120)
all: $(PLUGIN)
bin/libpsweep-cuda.so: $(CUDA_C) $(CUDA_CU)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -shared -o $@ $^ -L$(CUDA_HOME)/lib64 -Wl,--enable-new-dtags,-rpath,$(CUDA_HOME)/lib64 \
	    -lcudart -lcudnn
build/lib/nn/cuda/%.o: CPPFLAGS += -isystem $(CUDA_HOME)/include -DCUDNN_WARN_DEPRECATED
build/lib/nn/cuda/%.o: CFLAGS += -fPIC -Werror=deprecated-declarations
# A spilled register or a local array would be slow without a word: both are errors.
build/lib/nn/cuda/%.cu.o: lib/nn/cuda/%.cu lib/nn/cuda/common.cuh lib/nn/cuda/kernels.h lib/nn/kept.h
	@mkdir -p $(@D)
	$(NVCC) -std=c++17 -O3 -Ilib -Werror all-warnings -Xptxas -warn-spills,-warn-lmem-usage,-Werror \
	    -Xcompiler -fPIC,-fno-threadsafe-statics,-fno-exceptions,-fno-rtti \
	    $(foreach isa,$(CUDA_ISA),-gencode arch=compute_$(isa)$(,)code=sm_$(isa)) \
	    -gencode arch=compute_$(lastword $(CUDA_ISA)),code=compute_$(lastword $(CUDA_ISA)) -c -o $@ $<

# Doubles of the CUDA libraries, with their names, so that the plugin itself runs on a machine without a
# GPU: the kernels are compiled for the host, where undefined behaviour ends them, and the real cuDNN plans.
# Twice: plain, and with AddressSanitizer, whose library must then be loaded before the program's.
DOUBLES  := $(foreach kind,double address,build/$(kind)/libcudart.so.13 build/$(kind)/libcudnn.so.9)
SANITIZE_double  := -fsanitize=undefined -fno-sanitize-recover=undefined
SANITIZE_address := $(SANITIZE_double) -fsanitize=address -fsanitize-sections=block_shared
DOUBLE_CXX = g++ -std=c++17 -O1 -g -Wall -Wextra -fPIC -ffp-contract=off -MMD -MP -Ilib -Itests/doubles/cuda
CUDART_O := $(patsubst %.cpp,%.o,$(filter-out %_cudnn.cpp,$(wildcard tests/doubles/cuda/*.cpp))) \
            $(patsubst %.cu,%.o,$(wildcard lib/nn/cuda/*.cu))
CUDNN_O  := $(patsubst %.cpp,%.o,$(wildcard tests/doubles/cuda/*_cudnn.cpp))
define doubles_of
build/$(1)/%.o: %.cu
	@mkdir -p $$(@D)
	$$(DOUBLE_CXX) $$(SANITIZE_$(1)) -include tests/doubles/cuda/kernels_on_host.h -x c++ -c -o $$@ $$<
# The doubles themselves change stacks, which AddressSanitizer must not follow; the loops of their convolutions are
# most of the time that they take.
build/$(1)/%.o: %.cpp
	@mkdir -p $$(@D)
	$$(DOUBLE_CXX) $$(SANITIZE_double) -isystem $$(CUDA_HOME)/include \
	    -DREAL_CUDNN='"$$(CUDA_HOME)/lib64/libcudnn_graph.so.9"' -c -o $$@ $$<
build/$(1)/tests/doubles/cuda/convolve_cudnn.o: DOUBLE_CXX += -O3
build/$(1)/tests/doubles/cuda/convolve_cudnn.o: SANITIZE_double :=
build/$(1)/libcudart.so.13: $$(CUDART_O:%=build/$(1)/%) tests/doubles/cuda/cudart.map
	$$(DOUBLE_CXX) $$(SANITIZE_$(1)) -shared $$(filter %.o,$$^) -o $$@ -Wl,-soname,$$(@F) \
	    -Wl,--version-script=tests/doubles/cuda/cudart.map
build/$(1)/libcudnn.so.9: $$(CUDNN_O:%=build/$(1)/%) build/$(1)/libcudart.so.13 tests/doubles/cuda/cudnn.map
	$$(DOUBLE_CXX) $$(SANITIZE_$(1)) -shared $$(filter-out %.map,$$^) -o $$@ -ldl -Wl,-soname,$$(@F) \
	    -Wl,--version-script=tests/doubles/cuda/cudnn.map
endef
$(foreach kind,double address,$(eval $(call doubles_of,$(kind))))
# One engine beside the other; views beside pixels.
build/tests/cuda/parity build/tests/cuda/views: build/tests/cuda/%: build/tests/cuda/%.o build/tests/support.a \
        build/libpsnn.a build/libpsweep.a build/tests/cuda/libpsweep-cuda.so
	$(CC) $(LDFLAGS) -o $@ $(filter-out %.so,$^) $(STREAM) -lm -pthread -ldl $(EXPORT)
build/tests/cuda/libpsweep-cuda.so: bin/libpsweep-cuda.so
	@mkdir -p $(@D)
	cp $< $@
# What the doubles refuse.
build/tests/cuda/misuse: build/tests/cuda/misuse.o
	$(CC) $(LDFLAGS) -o $@ $^ -L$(CUDA_HOME)/lib64 -lcudart
build/tests/cuda/%.o: CPPFLAGS += -Itests/unit $(if $(NVCC),-isystem $(CUDA_HOME)/include)
# How the kernels round.
build/tests/cuda/narrow: tests/cuda/narrow.cpp lib/nn/cuda/common.cuh lib/nn/cuda/kernels.h \
        tests/doubles/cuda/kernels_on_host.h
	@mkdir -p $(@D)
	$(DOUBLE_CXX) $(SANITIZE_double) -include tests/doubles/cuda/kernels_on_host.h -o $@ $<
# What cuDNN plans for devices that are only described.
build/tests/cuda/plans: build/tests/cuda/plans.o build/lib/nn/cuda/plan.o build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ -L$(CUDA_HOME)/lib64 -Wl,-rpath,$(CUDA_HOME)/lib64 -lcudnn -lm -pthread -ldl
## plans         accepts what cuDNN plans now as what tests/cuda/plans.golden should say
plans: build/tests/cuda/plans
	tests/cuda/table build/tests/cuda/plans >tests/cuda/plans.golden
CUDA_TESTS := $(if $(PLUGIN),$(DOUBLES) $(addprefix build/tests/cuda/,parity views plans misuse narrow) \
              build/tests/bench/gpu_bench)

# A benchmark measures the machine it is built on, so it may use all of its instructions.
build/tests/bench/%.o: CFLAGS += -march=native
build/tests/bench/feed_bench: $(addprefix build/tools/train/,feed.o batches.o album.o)
build/tests/bench/%_bench: build/tests/bench/%_bench.o build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(STREAM) -lm -pthread

build/tests/bench/bare_get: build/tests/bench/bare_get.o build/tools/fetch/sigv4.o build/tools/fetch/text.o build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,libcurl libcrypto)
build/tests/bench/getter_bench: build/tests/bench/getter_bench.o $(filter-out %/psfetch.o,$(FETCH)) build/libpsweep.a
	$(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(STREAM) $(FETCHING) -lm -pthread

# A test of tools/ROOM/NAME.c is tests/unit/NAME_test.c; it is linked with the objects of that room that
# have no main(). Every test may use the other files of tests/unit and tests/doubles and both libraries,
# and links what it uses of the foreign ones.
MAINS    := build/tools/fetch/psfetch.o build/tools/augment/psaug.o build/tools/train/pstrain.o \
            build/tools/eval/pseval.o build/tools/plot/psplot.o
TESTS    := $(filter-out $(ABSENT:%=build/tests/unit/%_test),$(patsubst %.c,build/%,$(wildcard tests/unit/*_test.c)))
SUPPORT  := $(filter-out %_test.o,$(patsubst %.c,build/%.o,$(wildcard tests/unit/*.c tests/doubles/*.c)))
room_of   = $(dir $(firstword $(wildcard tools/*/$(1).c)))
objects   = $(if $(1),$(filter-out $(MAINS) $(ABSENT:%=build/tools/fetch/%.o),$(patsubst %.c,build/%.o,$(wildcard $(1)*.c))))
.SECONDEXPANSION:
build/tests/unit/%_test: build/tests/unit/%_test.o $$(call objects,$$(call room_of,$$*)) \
                         build/tests/support.a build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(call pkg,--libs,cmocka cairo fontconfig) $(STREAM) $(FETCHING) -lm -pthread
build/tests/support.a: $(SUPPORT)
build/tests/unit/%.o: CPPFLAGS += $(call pkg,--cflags,cairo)

# What the engine computes as digests, to be compared between machines (tests/pipe/arm.bats).
build/tests/bits/digest: build/tests/bits/digest.o $(addprefix build/tests/unit/,bed.o reference.o) \
                         build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ -lm -pthread
build/tests/bits/%.o: CPPFLAGS += -Itests/unit
# The same for Arm, where its compiler is: in a tree of its own, so that no object of this machine is in the way.
ARM_TESTS := $(if $(shell command -v aarch64-linux-gnu-gcc),build/arm/build/tests/bits/digest)
build/arm/build/tests/bits/digest: build/tests/bits/digest
	@mkdir -p build/arm
	@cd build/arm && rm -rf .ci lib tests
	cp -pr Makefile .ci lib tests build/arm
	$(MAKE) -s -C build/arm build/tests/bits/digest CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar LDFLAGS=-static
	@touch $@

# Charts as they should look (tests/golden), and what tells whether two pictures look alike.
build/tests/golden/compare: build/tests/golden/compare.o
	$(CC) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,cairo)
build/tests/golden/%.o: CPPFLAGS += $(call pkg,--cflags,cairo)
## golden        accepts the charts as they are drawn now; look at them before they are committed
golden: all
	@rm -rf build/golden && mkdir -p build/golden
	cd build/golden && PATH="$(CURDIR)/bin:$$PATH" ../../tests/golden/draw
	cp build/golden/*.png tests/golden
	RENEW=1 bats tests/pipe/psplot_live.bats

# tests/run shows what failed and names what was skipped; with CI set, a skip that CI could do without fails. Many
# tests wait, for servers and for a death: three files a core run at once. Those that take longest begin.
PROVE     = LC_ALL=C.UTF-8 prove --timer --jobs $(or $(JOBS),$(shell echo $$((3 * $$(nproc))))) --exec tests/run
SCRIPTS  := $(wildcard tests/pipe/*.bats tests/faults/*.bats)
LONGEST  := $(patsubst %,tests/%.bats,pipe/cuda pipe/sweep pipe/swift pipe/s3 pipe/hosts faults/bucket)
ORDERED   = $(filter $(SCRIPTS),$(LONGEST)) $(filter-out $(LONGEST),$(SCRIPTS)) $(TESTS)
TESTED   := all $(TESTS) $(ARM_TESTS) build/tests/bits/digest build/tests/golden/compare $(CUDA_TESTS)
## test          all tests but the long ones, in about three minutes on two cores
test: $(TESTED)
	$(PROVE) $(ORDERED)
## test-all      all tests
test-all: $(TESTED)
	PSWEEP_LONG=1 $(PROVE) $(ORDERED)

## fresh         README's two commands on a bare Debian 12 and 13, which debootstrap makes; as root
fresh:
	tests/fresh/run

# Figures of this machine, now: never part of a test.
TORCH_PYTHON := /usr/bin/python3
## bench         how fast this machine is, beside PyTorch where TORCH_PYTHON has one
bench: all build/tests/bench/bare_get build/tests/bench/getter_bench build/tests/bench/stream_bench build/tests/bench/feed_bench build/tests/bench/engine_bench
	build/tests/bench/stream_bench
	@bin/psfetch -q >build/bench.ps
	for i in 1 2 3; do bin/psaug -e 30 <build/bench.ps | build/tests/bench/feed_bench && \
	    bin/psaug -e 30 --views <build/bench.ps | build/tests/bench/feed_bench && \
	    bin/psaug -e 300 --views <build/bench.ps | build/tests/bench/feed_bench kept || exit; done
	build/tests/bench/engine_bench
	@if $(TORCH_PYTHON) -c 'import torch' 2>/dev/null; then \
	    $(TORCH_PYTHON) tests/bench/torch_bench.py build/tests/bench/engine_bench; \
	else echo "$(TORCH_PYTHON) has no torch: not compared (python3-torch, or TORCH_PYTHON=)"; fi
	tests/bench/fetch.sh
	tests/bench/sweep.sh
# Where there is no GPU it says so.
build/tests/bench/gpu_bench: build/tests/bench/gpu_bench.o build/libpsnn.a build/libpsweep.a \
        $(if $(PLUGIN),build/tests/bench/libpsweep-cuda.so)
	$(CC) $(LDFLAGS) -o $@ $(filter-out %.so,$^) $(STREAM) -lm -pthread -ldl $(EXPORT)
build/tests/bench/libpsweep-cuda.so: bin/libpsweep-cuda.so
	@mkdir -p $(@D)
	cp $< $@
## bench-gpu     the same of a GPU
bench-gpu: all build/tests/bench/gpu_bench
	build/tests/bench/gpu_bench
	@if $(TORCH_PYTHON) -c 'import torch' 2>/dev/null; then $(TORCH_PYTHON) tests/bench/torch_gpu.py; \
	else echo "$(TORCH_PYTHON) has no torch: not compared (TORCH_PYTHON=)"; fi

## demo          a sweep of depths 1 to 4 over drawn shapes: table, best network, its test accuracy, charts
demo: all
	@rm -rf build/demo
	pipelines/sweep --depth 1-4 --epochs 12 --data synth:shapes --limit 6000 -o build/demo

# DATA is a folder with train and test in it, or cifar-10-binary.tar.gz as its site has it, also at s3:// or
# https://.
LEARNT   := $(if $(DATA),build/cifar,build/demo)
## pictures      the pictures that README.md shows: of CIFAR-10 where DATA says where that is, else of the demo
pictures: $(if $(DATA),cifar,demo)
	bin/psplot --size 600x460 -o pipelines/curves.png $(LEARNT)/d*.bin
	bin/psplot --size 640x560 -o pipelines/confusion.png $(LEARNT)/best.scores
	bin/psplot --size 78x17 $(LEARNT)/d1-s0-*.bin $(LEARNT)/d3-s0-*.bin
## cifar         the sweep of pictures, of CIFAR-10 at DATA
cifar: all
	[ -n "$(DATA)" ]
	if [ -d "$(DATA)/test" ]; then \
	    pipelines/sweep -d 1-4 --data "$(DATA)/train" --test "$(DATA)/test" -o $(LEARNT); \
	else \
	    pipelines/sweep -d 1-4 --data "$(DATA)" -o $(LEARNT); \
	fi

# What a linter that is here finds is an error; one that is not here is named.
with      = if command -v $(firstword $(1)) >/dev/null; then echo $(firstword $(1)); $(1); \
            else echo "$(firstword $(1)) is not here: skipped (make deps-servers installs it)"; fi
FORMATTED = $(SOURCES) $(wildcard lib/nn/cuda/*.cu lib/nn/cuda/*.cuh tests/doubles/*/*.h tests/doubles/*/*.cpp tests/cuda/*.cpp)
SOURCES  := $(wildcard pipelines/filters/*.c lib/*.[ch] lib/*/*.[ch] lib/*/*/*.[ch] lib/*/*/*/*.[ch] tools/*/*.[ch] tests/*/*.[ch])
MANUALS  := $(wildcard tools/*/*.1 lib/*.5 pipelines/*.1)
SHELLS   := .ci/run .ci/deps pipelines/sweep tests/run tests/golden/draw tests/helper.bash tests/sweeps.bash $(SCRIPTS) \
            tests/fresh/run tests/fresh/system \
            $(wildcard pipelines/sweep.d/*.bash tests/servers/*.sh tests/bench/*.sh)
## lint          clang-format, cppcheck, shellcheck, mandoc
lint:
	@$(call with,clang-format --dry-run -Werror $(FORMATTED))
	@$(call with,cppcheck --quiet --std=c11 --enable=warning$(,)performance$(,)portability \
	    --suppress=missingIncludeSystem --inline-suppr --error-exitcode=1 -I. -Ilib \
	    $(filter %.c,$(SOURCES)))
	@$(call with,shellcheck -x $(SHELLS))
	@$(call with,mandoc -T lint -W warning $(MANUALS))
, := ,

to        = $(DESTDIR)$(PREFIX)
## install       programs and manual pages below PREFIX (/usr/local), that below DESTDIR
install: all
	install -d "$(to)/bin" "$(to)/share/psweep/sweep.d" "$(to)/share/man/man1" "$(to)/share/man/man5"
	install -m 755 $(BIN) pipelines/sweep "$(to)/bin"
	$(if $(PLUGIN),install -D -m 644 $(PLUGIN) "$(to)/lib/psweep/$(notdir $(PLUGIN))")
	install -m 644 pipelines/sweep.mk lib/FORMAT.md "$(to)/share/psweep"
	install -m 644 pipelines/sweep.d/* "$(to)/share/psweep/sweep.d"
	$(foreach m,$(MANUALS),install -m 644 $m "$(to)/share/man/man$(subst .,,$(suffix $m))" &&) :

## clean         removes bin/ and build/
clean:
	rm -rf bin build

-include $(shell find build -path build/arm -prune -o -name '*.d' -print 2>/dev/null)
