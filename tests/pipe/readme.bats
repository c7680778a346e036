# What README.md shows, as a reader would type it.
load ../helper

# The indented lines of README.md.
shown() {
    sed -n 's/^    //p' "$REPOSITORY/README.md"
}

@test "every program that README.md shows is called with options that it has" {
    shown | grep -oE '\b(psfetch|psaug|pstrain|pseval|psplot|psdump|sweep)\b[^|>]*' | while read -r program words; do
        for word in $words; do
            case $word in
            -*) "$program" --help | grep -qE -- "(^|[ ,])$word\b" || { echo "$program has no $word" >&2 && exit 1; } ;;
            esac
        done
    done
    shown | grep -c pstrain
}

@test "every option that matlab.md names is one of a program, and its commands are called with options that they have" {
    for program in psfetch psaug pstrain pseval psplot psdump sweep; do
        "$program" --help | grep -oE -- '--[a-z][a-z0-9-]+|(^|[ ,])-[a-z]\b' | sed "s/^[ ,]*/$program /"
    done >known
    grep -oE -- '--[a-z][a-z0-9-]+' "$REPOSITORY/pipelines/matlab.md" | sort -u >named
    [ "$(wc -l <named)" -gt 50 ]
    while read -r option; do
        grep -q -- " $option$" known || [ "$option" = --trials ] || { echo "nobody has $option" >&2 && exit 1; }
    done <named
    # shellcheck disable=SC2016 # a backquote that is one
    grep -oE '`(psfetch|psaug|pstrain|pseval|psplot|psdump|sweep) [^`|]*' "$REPOSITORY/pipelines/matlab.md" | tr -d '`' | while read -r program words; do
        grep -oE -- '(^| )--[a-z][a-z0-9-]+' <<<"$words" | tr -d ' ' | while read -r option; do
            grep -qx -- "$program $option" known || { [ "$program" = sweep ] && grep -qE -- "^(pstrain|psaug) $option$" known; } ||
                { echo "$program has no $option" >&2 && exit 1; }
        done
    done
}

@test "the pipeline without a source works" {
    shown | grep -Fx 'psfetch | psaug | pstrain -d 3 > net3.bin'
    # The same line in small.
    psfetch --limit 300 2>err | psaug | pstrain -d 3 -e 1 >net3.bin
    grep 'synth:shapes' err
    psplot net3.bin >curves
    grep net3 curves
    psfetch synth:shapes/test --limit 100 --as test | pseval net3.bin | psplot >confusion
    [ -s confusion ]
}

@test "the pipeline without a source works as typed, with all epochs" {
    long
    psfetch | psaug | pstrain -d 3 > net3.bin
    [ "$(records net3.bin | jq -c 'select(.type == "model") | [.epoch, .stopped]')" = '[30,false]' ]
}

@test "a folder of pictures, one subfolder a class" {
    # Eight PNG files of two classes, drawn here: 3 bytes a pixel, one filter byte a row.
    /usr/bin/python3 - <<'END'
import os, struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
for name, colour in ("dark", 40), ("light", 200):
    os.makedirs("photos/" + name)
    for n in range(4):
        rows = b"".join(b"\0" + bytes([colour + n]) * 3 * 48 for _ in range(40))
        with open("photos/%s/%d.png" % (name, n), "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 48, 40, 8, 2, 0, 0, 0))
                       + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
END
    sweep --depth 1-2 --epochs 1 --data photos/ --test photos/ --split 0.5 --fetch "--resize 32x32" --jobs 2
    [ "$(records runs/best.scores | jq -c 'select(.type == "score") | [.split, .images]')" = '["test",8]' ]
}

@test "a stream is read in Python as shown" {
    psfetch --limit 100 -q | psaug | pstrain -d 1 -e 2 -q >net3.bin
    shown | sed -n '/^import msgpack/,/print/p' >read.py
    [ "$(wc -l <read.py)" = 4 ]
    /usr/bin/python3 read.py >out
    [ "$(cut -d ' ' -f 1 out | tr '\n' ' ')" = "" ]
    psfetch --limit 100 -q --split 0.9 | psaug | pstrain -d 1 -e 2 -q >net3.bin
    /usr/bin/python3 read.py >out
    [ "$(cut -d ' ' -f 1 out | tr '\n' ' ')" = "1 2 " ]
}
