# Benchmarks: figures of this machine, now; never part of a test.
.PHONY: bench bench-gpu peer

# A benchmark measures the machine it is built on, so it may use all of its instructions; but one travels to a GPU.
build/tests/bench/%.o: CFLAGS += $(if $(filter gpu_bench.o,$(@F)),,-march=native)
build/tests/bench/loader_bench: $(addprefix build/tools/train/,loader.o store.o)
build/tests/bench/%_bench: build/tests/bench/%_bench.o build/libpsnn.a build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(STREAM) -lm -pthread

build/tests/bench/bare_get.o build/tests/bench/objects_bench.o: CPPFLAGS += -Itools/fetch
build/tests/bench/bare_get: build/tests/bench/bare_get.o build/tools/fetch/s3/sigv4.o build/tools/fetch/text.o build/libpsweep.a
	$(CC) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,libcurl libcrypto)
build/tests/bench/objects_bench: build/tests/bench/objects_bench.o $(filter-out %/psfetch.o,$(call objects,fetch)) build/libpsweep.a
	$(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(STREAM) $(FETCHING) -lm -pthread

## peer          PyTorch, for make bench to measure beside, from pip into build/peer
peer:
	python3 -m venv build/peer
	build/peer/bin/pip install torch msgpack
TORCH_PYTHON := $(firstword $(wildcard build/peer/bin/python) /usr/bin/python3)
EPOCHS   := 3
## bench         how fast this machine is, beside PyTorch where TORCH_PYTHON has one; EPOCHS, and DATA as for pictures
bench: all build/tests/bench/bare_get build/tests/bench/objects_bench build/tests/bench/stream_bench build/tests/bench/loader_bench build/tests/bench/engine_bench
	build/tests/bench/stream_bench
	@bin/psfetch -q >build/bench.ps
	for i in 1 2 3; do bin/psaug -e 30 <build/bench.ps | build/tests/bench/loader_bench && \
	    bin/psaug -e 30 --views <build/bench.ps | build/tests/bench/loader_bench && \
	    bin/psaug -e 300 --views <build/bench.ps | build/tests/bench/loader_bench kept || exit; done
	@$(TORCH_PYTHON) tests/bench/torch_bench.py build/tests/bench/engine_bench
	@$(TORCH_PYTHON) tests/bench/pipeline_bench.py pipelines/sweep $(EPOCHS) $(or $(wildcard $(DATA)/train),$(DATA))
	@if $(TORCH_PYTHON) -c 'import torchvision.transforms.v2, msgpack' 2>/dev/null; then \
	    $(TORCH_PYTHON) tests/bench/torchvision_bench.py bin/psaug build/bench.ps; \
	else echo "$(TORCH_PYTHON) has no torchvision with transforms.v2, or no msgpack: not compared (TORCH_PYTHON=)"; fi
	tests/bench/fetch.sh
	tests/bench/sweep.sh
# Where there is no GPU it says so.
build/tests/bench/gpu_bench: build/tests/bench/gpu_bench.o build/libpsnn.a build/libpsweep.a \
        $(if $(PLUGIN),build/tests/bench/libpsweep-cuda.so)
	$(CC) $(LDFLAGS) -o $@ $(filter-out %.so,$^) $(STREAM) -lm $(ENGINES)
build/tests/bench/libpsweep-cuda.so: bin/libpsweep-cuda.so
	@mkdir -p $(@D)
	cp $< $@
## bench-gpu     the same of a GPU
bench-gpu: all build/tests/bench/gpu_bench
	build/tests/bench/gpu_bench
	@if $(TORCH_PYTHON) -c 'import torch' 2>/dev/null; then $(TORCH_PYTHON) tests/bench/torch_gpu.py; \
	else echo "$(TORCH_PYTHON) has no torch: not compared (TORCH_PYTHON=)"; fi
