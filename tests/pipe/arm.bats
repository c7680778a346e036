# The engine on Arm: built by the cross compiler, run by an emulator, the same bits as here.
load ../helper

# same_bits CASE...: of all, if none is named.
same_bits() {
    "$REPOSITORY"/build/tests/bits/digest auto "$@" >here
    for isa in neon c; do
        qemu-aarch64 "$REPOSITORY"/build/arm/build/tests/bits/digest "$isa" "$@" >there
        diff here there
    done
}

@test "the same bits on Arm, with NEON and in plain C" {
    need aarch64-linux-gnu-gcc qemu-aarch64
    same_bits 2 8 11 22
    [ "$(grep -c '^case' here)" -eq 4 ]
}

@test "the same bits on Arm for every network and batch" {
    need aarch64-linux-gnu-gcc qemu-aarch64
    long
    same_bits
    [ "$(grep -c '^case' here)" -eq 23 ]
}
