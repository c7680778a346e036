# A sweep of depths as a Makefile: what is made is not made again, and a changed option makes again just
# what depends on it. Runs in the current folder, wherever this file stands:
#
#     make -f pipelines/sweep.mk -j2                        all: the networks of DEPTHS, and their table
#     make -f pipelines/sweep.mk net3.bin EPOCHS=10         one network, of any depth
#     make -f pipelines/sweep.mk scores chart DATA=photos/ TEST=more-photos/
#
# Options, with their defaults:
DEPTHS   := 1 2 3 4
DATA     := synth:shapes
# images of the final test; those put aside for validation where none are named
TEST     := $(if $(filter synth:shapes,$(DATA)),synth:shapes/test)
# the part of DATA to train with; more options of psfetch (for both), psaug and pstrain
SPLIT    := 0.9
FETCH    :=
AUGMENT  :=
EPOCHS   := 30
SEED     := 0
BATCH    :=
RATE     :=
TRAIN    :=
# threads of each network, and a FIFO for psplot --follow; neither changes a byte of the networks
THREADS  := 1
PROGRESS :=

# Ctrl-C: pstrain saves what it has learnt as net3.bin.part and ends. A network gets its name when it is
# done, so the name is the stamp, and one that is there is never touched by a run that does not end.
NETS     := $(DEPTHS:%=net%.bin)
SHELL    := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.PRECIOUS: net%.bin %.ps
.PHONY: all table scores chart

# The programs of the tree that this file stands in come before others.
BIN      := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../bin)
ifneq ($(wildcard $(BIN)/pstrain),)
export PATH := $(BIN):$(PATH)
endif

all: $(NETS) table

# The text of the options, in files that change only when it does.
fetch     := $(strip $(DATA) --split $(SPLIT) $(FETCH))
augment   := $(strip $(AUGMENT))
train     := $(strip --epochs $(EPOCHS) --seed $(SEED) $(if $(BATCH),--batch $(BATCH)) \
             $(if $(RATE),--rate $(RATE)) $(TRAIN))
test      := $(strip $(if $(TEST),psfetch $(TEST) --as test $(FETCH),cat data.ps))
differ     = $(filter-out 1,$(words $(sort "$(subst $() ,_,$(1))" "$(subst $() ,_,$(2))")))
remember   = $(if $(call differ,$(file <$(1)),$(2)),$(file >$(1),$(2)))
$(call remember,.sweep-fetch,$(fetch))
$(call remember,.sweep-train,$(augment) | $(train))
$(call remember,.sweep-test,$(test))

data.ps: .sweep-fetch
	psfetch $(fetch) > $@.part && mv $@.part $@

net%.bin: data.ps .sweep-train
	psaug $(augment) < data.ps | pstrain --depth $* $(train) --threads $(THREADS) \
	    $(if $(PROGRESS),--progress $(PROGRESS) --name d$*) > $@.part && mv $@.part $@

table: $(NETS)
	@psplot -k table $(NETS)

scores: scores.ps
	@psplot -k table scores.ps
scores.ps: $(NETS) data.ps .sweep-test
	$(test) | pseval --only $(if $(TEST),test,validation) $(NETS) > $@.part && mv $@.part $@

chart: curves.png
curves.png: $(NETS)
	psplot -o $@ $(NETS)
