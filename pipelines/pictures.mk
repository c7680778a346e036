# The pictures that README.md shows.
.PHONY: pictures cifar

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
