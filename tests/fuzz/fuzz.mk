# Fuzzing, by clang's libFuzzer: tests/fuzz/fuzz.c in a tree of its own, from seeds that seeds makes.
.PHONY: fuzz
# (Adding nothing to a pointer that is NULL harms nobody.)
FUZZ      = -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize=pointer-overflow -fno-sanitize-recover=all
MINUTES   = 1
TARGETS   = $(or $(TARGET),images load model exports ranking history sheet filters picture listing archive label table profile names list idx)
fuzz_of   = $(if $(filter images load model,$(1)),train,$(if $(filter exports ranking,$(1)),dump,$(if \
            $(filter history sheet filters,$(1)),plot,fetch)))
## fuzz          every reader with MINUTES of odd data each (or TARGET's), under AddressSanitizer; what it finds is in build/fuzz
fuzz: all
	@mkdir -p build/fuzzed
	@cd build/fuzzed && rm -rf .ci lib packaging pipelines tests tools
	cp -pr Makefile .ci lib packaging pipelines tests tools build/fuzzed
	$(MAKE) -s -C build/fuzzed CUDA=0 CC=clang OPT='-O1 -g $(FUZZ)' WARN=-w FAST=-fno-sanitize=all \
	    $(addprefix build/tests/fuzz/,fuzz_train fuzz_dump fuzz_plot fuzz_fetch)
	PATH="$(CURDIR)/bin:$$PATH" tests/fuzz/seeds build/fuzz
	$(MAKE) -k $(TARGETS:%=fuzz-%)
fuzz-%:
	cd build/fuzz && TARGET=$* ASAN_OPTIONS=allocator_may_return_null=1 \
	    LSAN_OPTIONS=print_suppressions=0:suppressions=$(CURDIR)/tests/leaks \
	    ../fuzzed/build/tests/fuzz/fuzz_$(call fuzz_of,$*) -max_total_time=$$(($(MINUTES) * 60)) -timeout=60 \
	    -rss_limit_mb=2500 -print_final_stats=1 -verbosity=0 -artifact_prefix=found-$*- $* seeds-$*

build/tests/fuzz/fuzz_%: build/tests/fuzz/%.o $$(call rest_of,$$*) build/libpsnn.a build/libpsruns.a build/libpsweep.a
	$(CC) -fsanitize=fuzzer,address,undefined -Wl,--as-needed -o $@ $^ $(STREAM) $(FETCHING) $(DRAWING) $(ENGINES) -lm
build/tests/fuzz/%.o: tests/fuzz/fuzz.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itools/$* -DROOM_$* $(call pkg,--cflags,cairo fontconfig) $(CFLAGS) -c -o $@ $<
