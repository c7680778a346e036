# Charts beside those that somebody has looked at and found good (tests/golden). A difference that is meant
# is accepted by make golden.
load ../helper

golden=$REPOSITORY/tests/golden
compare=$REPOSITORY/build/tests/golden/compare

setup() {
    enter_folder
    [ -x "$compare" ] || make -s -C "$REPOSITORY" build/tests/golden/compare
}

@test "every chart looks like its golden picture" {
    "$golden/draw"
    [ "$(ls ./*.png)" = "$(cd "$golden" && ls ./*.png)" ]
    different=0
    for picture in *.png; do
        "$compare" "$golden/$picture" "$picture" || different=1
    done
    [ $different = 0 ]
}

@test "the comparison sees a line of another colour, a missing label, another size" {
    "$golden/draw" overlay.png confusion-2.png
    "$compare" overlay.png overlay.png
    # The same runs in another order change their colours.
    psplot -q --size 420x300 -k overlay -o colours.png net-d4-s0.bin net-d?-s0.bin 2>/dev/null || true
    no "$compare" overlay.png colours.png >/dev/null
    psplot -q --size 300x260 --title two -o title.png two.scores 2>/dev/null || true
    no "$compare" confusion-2.png title.png >/dev/null
    psplot -q --size 301x260 -o wider.png two.scores 2>/dev/null || true
    no "$compare" confusion-2.png wider.png >/dev/null
    ends 2 "$compare" overlay.png err
}
