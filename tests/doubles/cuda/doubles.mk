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
# Who has made them once gets them anew with the plugin that they are to test.
all: $(if $(PLUGIN),$(if $(wildcard build/double),$$(CUDA_TESTS)))
