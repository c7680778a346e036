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

# Ctrl-C: pstrain saves what it has learnt as net3.bin.part and ends; the next make goes on from there,
# unless options or data have changed. A network gets its name when it is done, so the name is the stamp,
# and one that is there is never touched by a run that does not end.
NETS     := $(DEPTHS:%=net%.bin)
hash     := \#
SHELL    := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.PRECIOUS: net%.bin %.ps
.PHONY: all table scores chart

# A text as one word of the shell, whatever is in it.
quoted    = '$(subst ','\'',$(1))'

# The programs of the tree that this file stands in come before others. Of the list of makefiles its path is what is
# left when those before it are taken away; it may have blanks, which make itself would take for ends of words.
BIN      := $(shell file=$(call quoted,$(value MAKEFILE_LIST)); file=$${file$(hash) }; \
              until [ -e "$$file" ] || [ "$$file" = "$${file$(hash)* }" ]; do file=$${file$(hash)* }; done; \
              CDPATH= cd "$$(dirname "$$file")/../bin" 2>/dev/null && [ -x pstrain ] && pwd)
ifneq ($(findstring :,$(BIN)),)
$(error the programs lie in $(BIN), where no PATH finds them: it has a colon in its name)
endif
ifneq ($(BIN),)
export PATH := $(BIN):$(PATH)
endif

all: $(NETS) table

# The text of the options, in files that are made anew when it has changed.
fetch     := $(call quoted,$(DATA)) $(strip --split $(SPLIT) $(FETCH))
augment   := $(strip $(AUGMENT))
train     := $(strip --seed $(SEED) $(if $(BATCH),--batch-size $(BATCH)) \
             $(if $(RATE),--learning-rate $(RATE)) $(TRAIN))
learning  := $(augment) | $(train)
epochs    := $(strip $(EPOCHS))
test      := $(if $(TEST),psfetch $(call quoted,$(TEST)) --as test $(strip $(FETCH)),cat data.ps)
differ     = $(filter-out 1,$(words $(sort "$(subst $() ,_,$(1))" "$(subst $() ,_,$(2))")))
define remember
$(1): $$(if $$(call differ,$$(file <$(1)),$$($(2))),changed)
$(1): export TEXT = $$($(2))
endef
$(eval $(call remember,.sweep-fetch,fetch))
$(eval $(call remember,.sweep-train,learning))
$(eval $(call remember,.sweep-epochs,epochs))
$(eval $(call remember,.sweep-test,test))
.sweep-%:
	@printf '%s\n' "$$TEXT" > $@
.PHONY: changed

data.ps: .sweep-fetch
	psfetch $(fetch) > $@.part && mv $@.part $@

# What interrupted runs left is put aside as .torn1, .torn2, for the trainer to choose from. A network that
# has been trained with other EPOCHS, and else as now, is gone on from too.
net%.bin: data.ps .sweep-train .sweep-epochs
	@for left in $@.part $@.torn*; do \
	    [ "$$left" -nt data.ps ] && [ "$$left" -nt .sweep-train ] || rm -f "$$left"; \
	done; \
	n=1; while [ -e $@.torn$$n ]; do ((n++)); done; [ ! -s $@.part ] || mv $@.part $@.torn$$n
	shopt -s nullglob; left=($@.torn*); \
	psaug $(augment) < data.ps | pstrain --depth $* --epochs $(EPOCHS) $(train) --threads $(THREADS) \
	    "$${left[@]/#/--resume=}" $$([ $@ -nt data.ps ] && [ $@ -nt .sweep-train ] && echo --resume $@) \
	    $(if $(PROGRESS),--progress $(PROGRESS) --name d$*) > $@.part && mv $@.part $@ && rm -f $@.torn*

table: $(NETS)
	@psplot -k table $(NETS)

scores: scores.ps
	@psplot -k table scores.ps
scores.ps: $(NETS) data.ps .sweep-test
	$(test) | pseval --only $(if $(TEST),test,validation) $(NETS) > $@.part && mv $@.part $@

chart: curves.png
curves.png: $(NETS)
	psplot -o $@ $(NETS)
