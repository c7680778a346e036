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
build/lib/nn/cuda/%.cu.o: lib/nn/cuda/%.cu lib/nn/cuda/common.cuh lib/nn/cuda/kernels.h lib/nn/kept.h lib/nn/net.h \
        lib/random.h
	@mkdir -p $(@D)
	$(NVCC) -std=c++17 -O3 -Ilib -Werror all-warnings -Xptxas -warn-spills,-warn-lmem-usage,-Werror \
	    -Xcompiler -fPIC,-fno-threadsafe-statics,-fno-exceptions,-fno-rtti \
	    $(foreach isa,$(CUDA_ISA),-gencode arch=compute_$(isa)$(,)code=sm_$(isa)) \
	    -gencode arch=compute_$(lastword $(CUDA_ISA)),code=compute_$(lastword $(CUDA_ISA)) -c -o $@ $<
