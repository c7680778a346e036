# Tests and linters.
.PHONY: sanitized golden readers test test-all fresh lint

# A test of NAME.c in tools/ROOM is tests/unit/NAME_test.c; it is linked with the objects of that room that
# have no main(). Every test may use the other files of tests/unit and tests/doubles and all libraries,
# and links what it uses of the foreign ones.
MAINS    := $(patsubst %.c,build/%.o,$(wildcard $(TOOLS:%=tools/*/%.c)))
TESTS    := $(filter-out $(ABSENT:%=build/tests/unit/%_test),$(patsubst %.c,build/%,$(wildcard tests/unit/*_test.c)))
SUPPORT  := $(filter-out %_test.o,$(patsubst %.c,build/%.o,$(wildcard tests/unit/*.c tests/doubles/*.c)))
room_of   = $(word 2,$(subst /, ,$(wildcard tools/*/$(1).c tools/*/*/$(1).c)))
rest_of   = $(if $(1),$(filter-out $(MAINS),$(call objects,$(1))))
.SECONDEXPANSION:
build/tests/unit/%_test: build/tests/unit/%_test.o $$(call rest_of,$$(call room_of,$$*)) \
                         build/tests/support.a build/libpsnn.a build/libpsruns.a build/libpsweep.a
	$(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(call pkg,--libs,cmocka cairo fontconfig) $(STREAM) $(FETCHING) -lm -pthread
build/tests/support.a: $(SUPPORT) build/lib/public/psweep.o
build/tests/unit/%.o: CPPFLAGS += $(addprefix -Itools/,$(call room_of,$(@F:_test.o=))) $(call pkg,--cflags,cairo)

# What lets allocations fail: loaded before the C library (tests/faults/memory.bats).
build/tests/starve.so: tests/doubles/memory/starve.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $< -ldl

# What the engine computes as digests, to be compared between machines (tests/pipe/arm.bats).
build/tests/bits/digest: build/tests/bits/digest.o $(addprefix build/tests/unit/,bed.o reference.o) \
                         build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ -lm -pthread
build/tests/bits/%.o: CPPFLAGS += -Itests/unit
# The same for Arm, where its compiler is: in a tree of its own, so that no object of this machine is in the way.
ARM_TESTS := $(if $(shell command -v aarch64-linux-gnu-gcc),build/arm/build/tests/bits/digest)
build/arm/build/tests/bits/digest: build/tests/bits/digest
	@mkdir -p build/arm
	@cd build/arm && rm -rf .ci lib packaging pipelines tests
	cp -pr Makefile .ci lib packaging pipelines tests build/arm
	$(MAKE) -s -C build/arm build/tests/bits/digest CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar LDFLAGS=-static
	@touch $@

# All programs once more, with AddressSanitizer, which finds leaks too, and UndefinedBehaviorSanitizer, whose finds
# AddressSanitizer reports as SIGILL of that line: in a tree of their own with its tests, which take the programs beside
# them. Where the variables of unrolled kernels are would take ten minutes to write down. The GPU engine is not there:
# doubles of its own do this for it (tests/doubles/cuda).
SANITIZE := -fsanitize=address,undefined -fsanitize-undefined-trap-on-error
SLOWLY   := -O1 -g -fno-var-tracking -fno-omit-frame-pointer
## sanitized     the programs with AddressSanitizer and UndefinedBehaviorSanitizer, and tests for them, in build/sanitized
sanitized: all
	@mkdir -p build/sanitized
	@cd build/sanitized && rm -rf .ci lib packaging pipelines tests tools
	cp -pr Makefile README.md .ci lib packaging pipelines tests tools build/sanitized
	$(MAKE) -s -C build/sanitized CUDA=0 LDFLAGS='$(SANITIZE)' OPT='$(SLOWLY) $(SANITIZE)' WARN=-w FAST= \
	    all build/tests/golden/compare

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

## readers       ONNX Runtime, TensorBoard and others from pip into build/readers, beside what Debian has: they read what psweep writes
readers:
	/usr/bin/python3 -m venv --system-site-packages build/readers
	build/readers/bin/pip install --quiet onnx onnxruntime safetensors msgpack xxhash pillow tensorboard \
	    numpy==$$(/usr/bin/python3 -c 'import numpy; print(numpy.__version__)') # that of Debian's PyTorch and pandas

# tests/run shows what failed and names what was skipped; with CI set, a skip that CI could do without fails. Many
# tests wait, for servers and for a death: three files a core run at once. Those that take longest begin.
PROVE     = LC_ALL=C.UTF-8 prove --timer --jobs $(or $(JOBS),$(shell echo $$((3 * $$(nproc))))) --exec tests/run
SCRIPTS  := $(wildcard tests/pipe/*.bats tests/faults/*.bats)
LONGEST  := $(patsubst %,tests/%.bats,pipe/cuda pipe/sweep pipe/swift pipe/starts pipe/choose pipe/s3 pipe/pstrain pipe/resume faults/bucket pipe/hosts \
             faults/damage pipe/stops)
ORDERED   = $(filter $(SCRIPTS),$(LONGEST)) $(filter-out $(LONGEST),$(SCRIPTS)) $(TESTS)
TESTED    = all $(TESTS) $(ARM_TESTS) build/tests/bits/digest build/tests/golden/compare build/tests/starve.so $(CUDA_TESTS)
## test          all tests but the long ones, in about three minutes on two cores
test: $$(TESTED)
	$(PROVE) $(ORDERED)
# What reads, trains and draws; of sweeps a sample, for in their tests the programs do the same again and again.
SANITIZED := $(patsubst %,build/sanitized/tests/%.bats,pipe/pstrain pipe/best faults/bucket faults/damage faults/pipeline \
             $(addprefix pipe/,export golden labels layout points psaug pseval psfetch psdump psplot psplot_images psplot_live \
             ranking resume shards status))
## test-all      all tests, many of them also with AddressSanitizer and UndefinedBehaviorSanitizer
test-all: $$(TESTED) sanitized
	PSWEEP_LONG=1 $(PROVE) $(ORDERED) $(SANITIZED)

## fresh         README's two commands, the bundle and Debian's packages on a bare Debian 12 and 13, which debootstrap makes; as root
fresh: bundle
	BUNDLE=$(BUNDLE).tar.gz tests/fresh/run

# What a linter that is here finds is an error; one that is not here is named.
with      = if command -v $(firstword $(1)) >/dev/null; then echo $(firstword $(1)); $(1); \
            else echo "$(firstword $(1)) is not here: skipped (make deps-servers installs it)"; fi
FORMATTED = $(SOURCES) $(wildcard lib/nn/cuda/*.cu lib/nn/cuda/*.cuh tests/doubles/*/*.h tests/doubles/*/*.cpp tests/cuda/*.cpp)
SOURCES  := $(wildcard pipelines/filters/*.c pipelines/examples/*.c lib/*.[ch] lib/*/*.[ch] lib/*/*/*.[ch] lib/*/*/*/*.[ch] tools/*/*.[ch] tools/*/*/*.[ch] tests/*/*.[ch] tests/doubles/*/*.c)
MANUALS  := $(wildcard tools/*/*.1 lib/*.5 pipelines/*.[17])
SHELLS   := .ci/run .ci/deps .ci/bundle pipelines/sweep.d/parallel/sleep tests/run tests/golden/draw tests/fuzz/seeds $(wildcard tests/*.bash) $(SCRIPTS) \
            tests/fresh/run tests/fresh/system tests/fresh/packages tests/fresh/bare.bash \
            $(wildcard tests/servers/*.sh tests/bench/*.sh tests/doubles/mps/* tests/gpu/*)
## lint          clang-format, cppcheck, shellcheck, mandoc
lint:
	@$(call with,clang-format --dry-run -Werror $(FORMATTED))
	@$(call with,cppcheck --quiet --std=c11 --enable=warning$(,)performance$(,)portability \
	    --suppress=missingIncludeSystem --inline-suppr --error-exitcode=1 -I. -Ilib \
	    $(filter %.c,$(SOURCES)))
	@$(call with,shellcheck -x -a pipelines/sweep && shellcheck -x $(SHELLS)) # -a: as one with its rooms
	@$(call with,mandoc -T lint -W warning $(MANUALS))
