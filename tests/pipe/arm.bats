# The engine on Arm: built by the cross compiler, run by an emulator, the same bits as here.
load ../helper

@test "the same bits on Arm, with NEON and in plain C" {
    need aarch64-linux-gnu-gcc qemu-aarch64
    # A tree of its own, so that no object of this machine is in the way.
    mkdir arm
    cp -r "$REPOSITORY"/{Makefile,.ci,lib,tests} arm
    make -s -j2 -C arm build/tests/bits/digest \
        CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar LDFLAGS=-static
    "$REPOSITORY"/build/tests/bits/digest >here
    [ "$(grep -c '^case' here)" -eq 12 ]
    qemu-aarch64 arm/build/tests/bits/digest neon >with-neon
    qemu-aarch64 arm/build/tests/bits/digest c >with-c
    diff here with-neon
    diff here with-c
}
