# The GPU engine without a GPU: one engine beside the other, and what cuDNN plans. And with one: all that it should tell.
.PHONY: plans check-gpu check-gpu-ready

# One engine beside the other; views beside pixels.
build/tests/cuda/parity build/tests/cuda/views: build/tests/cuda/%: build/tests/cuda/%.o build/tests/support.a \
        build/libpsnn.a build/libpsweep.a build/tests/cuda/libpsweep-cuda.so
	$(CC) $(LDFLAGS) -o $@ $(filter-out %.so,$^) $(STREAM) -lm $(ENGINES)
build/tests/cuda/libpsweep-cuda.so: bin/libpsweep-cuda.so
	@mkdir -p $(@D)
	cp $< $@
# What the doubles refuse.
build/tests/cuda/misuse: build/tests/cuda/misuse.o
	$(CC) $(LDFLAGS) -o $@ $^ -L$(CUDA_HOME)/lib64 -lcudart
build/tests/cuda/%.o: CPPFLAGS += -Itests/unit $(if $(NVCC),-isystem $(CUDA_HOME)/include)
# How the kernels round, and that their launches leave nothing out.
build/tests/cuda/narrow build/tests/cuda/launches: build/tests/cuda/%: tests/cuda/%.cpp lib/nn/cuda/common.cuh lib/nn/cuda/kernels.h \
        tests/doubles/cuda/kernels_on_host.h
	@mkdir -p $(@D)
	$(DOUBLE_CXX) $(SANITIZE_double) -include tests/doubles/cuda/kernels_on_host.h -o $@ $<
# What cuDNN plans for devices that are only described.
build/tests/cuda/plans: build/tests/cuda/plans.o build/lib/nn/cuda/plan.o build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ -L$(CUDA_HOME)/lib64 -Wl,-rpath,$(CUDA_HOME)/lib64 -lcudnn -lm -pthread -ldl
## plans         accepts what cuDNN plans now as what tests/cuda/plans.golden should say
plans: build/tests/cuda/plans
	tests/cuda/table build/tests/cuda/plans >tests/cuda/plans.golden
CUDA_TESTS  = $(if $(PLUGIN),$(DOUBLES) $(addprefix build/tests/cuda/,parity views plans misuse narrow launches) \
              build/tests/bench/gpu_bench)

MEASURED  = $(addprefix build/tests/,cuda/parity cuda/views bench/gpu_bench)
## check-gpu     what a machine with a GPU has to tell, in OUT (build/gpu), in SECONDS (520); PARTS of it
check-gpu: all $(MEASURED)
	tests/gpu/check-gpu.sh $(or $(OUT),build/gpu) $(or $(SECONDS),520) $(PARTS)
# The same for a machine where nothing is built or installed: the bundle, with parity, views and gpu_bench among its
# programs, which find its engine.
GPU_KIT  := build/check-gpu
KIT_BIN  := $(addprefix build/bundled/,parity views gpu_bench)
$(KIT_BIN): LDFLAGS += -s
$(KIT_BIN): STREAM = $(patsubst -l%,-l:lib%.a,$(call pkg,--libs,$(MSGPACK) libxxhash))
build/bundled/parity build/bundled/views: build/bundled/%: build/tests/cuda/%.o build/tests/support.a build/libpsnn.a build/libpsweep.a
build/bundled/gpu_bench: build/tests/bench/gpu_bench.o build/libpsnn.a build/libpsweep.a
$(KIT_BIN):
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(STREAM) -lm $(ENGINES)
## check-gpu-ready  all that check-gpu needs in a folder that runs anywhere, build/check-gpu: there, ./check-gpu.sh OUT SECONDS
check-gpu-ready: bundle $(KIT_BIN)
	@rm -rf $(GPU_KIT)
	cp -a $(BUNDLE) $(GPU_KIT)
	cp $(KIT_BIN) $(GPU_KIT)/bin
	cp tests/gpu/check-gpu.sh $(addprefix tests/bench/,torch_gpu.py torch_bench.py load.py) $(GPU_KIT)
	@du -sm --apparent-size $(GPU_KIT)
