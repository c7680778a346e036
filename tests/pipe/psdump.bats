# psdump: streams as JSON and CSV, for programs that know nothing of them.
load ../helper

# Four runs of two classes, so small that they take no time; scores of two of them.
setup() {
    enter_folder
    mkdir -p "$BATS_FILE_TMPDIR"
    if [ ! -e "$BATS_FILE_TMPDIR/scores" ]; then
        cd "$BATS_FILE_TMPDIR" || return
        psfetch -q --limit 60 --resize 8x8 --split 0.5 >images.ps
        psaug -e 2 <images.ps >epochs.ps
        psaug -e 2 --views <images.ps >views.ps
        for depth in 1 2; do pstrain -q -d $depth -b 10 -e 2 <epochs.ps >net$depth.bin; done
        pseval -q net1.bin net2.bin <images.ps >scores.tmp
        mv scores.tmp scores
        enter_folder
    fi
    ln -s "$BATS_FILE_TMPDIR"/* .
}

# manual LINES PATTERN: so many lines of an example of the manual page, from the first that fits the pattern.
manual() {
    grep -A $(($1 - 1)) -m 1 -- "$2" "$REPOSITORY/tools/dump/psdump.1" | sed 's/\\e/\\/g'
}

# As Python reads JSON: whether each line is the record, bytes in base64 (or left out: without), digests in
# hexadecimal digits, what no double holds in decimal ones.
same_records() {
    /usr/bin/python3 - "$@" <<'END'
import base64, json, math, msgpack, sys
stream, lines, bytes_too = sys.argv[1], sys.argv[2], len(sys.argv) > 3
def seen(value):
    if isinstance(value, dict):
        return {k: "%016x" % v if k in ("digest", "seal") else seen(v)
                for k, v in value.items() if bytes_too or not isinstance(v, bytes)}
    if isinstance(value, list):
        return [seen(v) for v in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
records = msgpack.Unpacker(open(stream, "rb"), raw=False)
count = 0
with open(lines) as file:
    for record, line in zip(records, file, strict=True) if sys.version_info >= (3, 10) else zip(records, file):
        got = json.loads(line)
        assert got == seen(record) and list(got) == list(seen(record)), (got, seen(record))
        count += 1
print(count)
END
}

@test "JSON has every record of every kind of stream, number for number" {
    for stream in images.ps epochs.ps views.ps net1.bin scores; do
        psdump -k json $stream >lines
        [ "$(same_records $stream lines)" -eq "$(wc -l <lines)" ]
        psdump -k json --bytes <$stream >lines
        [ "$(same_records $stream lines bytes)" -eq "$(wc -l <lines)" ]
    done
    # Without the bytes it is small.
    [ "$(psdump -k json net1.bin | wc -c)" -lt 40000 ]
    # Several files, one after the other.
    psdump -k json net1.bin scores | cmp - <(psdump -k json net1.bin && psdump -k json scores)
}

@test "JSON of what no program of ours writes" {
    edit scores 'records.append(dict(type="mystery", list=[1, -2, 2.5, None, True, b"\0", {}, []],
        text="\"\\\n\t\x1b[1m\u202e\u00e9\U0001f600", big=2**64 - 1, low=-2**63, bin=b"\1\2", tiny=5e-324,
        third=1/3, nan=float("nan"), inf=float("-inf")))' >odd.bin
    psdump -k json --bytes odd.bin >lines
    same_records odd.bin lines bytes
    no grep -q $'\033\|\u202e' lines
    # The fewest digits that read back: those of a float for a float.
    printf '\x84\xa4type\xa4done\xa4name\xa1x\xa1f\xca\x3d\xcc\xcc\xcd\xa1d\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a' >bare
    [ "$(psdump -qk json bare)" = '{"type":"done","name":"x","f":0.1,"d":0.1}' ]
    # Text that is no UTF-8, an extension, keys that are no texts.
    printf '\x84\xa4type\xa4done\xa4name\xa3a\xff\xc3\x07\xd6\x05abcd\xfe\xc0' >bare
    [ "$(psdump -qk json --bytes bare)" = '{"type":"done","name":"a\ufffd\ufffd","7":"YWJjZA==","-2":null}' ]
    [ "$(psdump -qk json bare)" = '{"type":"done","name":"a\ufffd\ufffd","-2":null}' ]
}

@test "no reader that takes numbers for doubles rounds a digest or a seed" {
    head -c -43 net1.bin >body
    [[ "$(xxhsum -H3 body)" == *"$(psdump -k json net1.bin | jq -r 'select(.type == "end").digest')"* ]]
    /usr/bin/python3 -c 'import msgpack
open("bare", "wb").write(msgpack.packb(dict(type="done", name="x", digest=255, edge=2**53, above=2**53 + 1, below=-2**53 - 1)))'
    [ "$(psdump -qk json bare)" = '{"type":"done","name":"x","digest":"00000000000000ff","edge":9007199254740992,"above":"9007199254740993","below":"-9007199254740993"}' ]
    for seed in 9007199254740993 9007199254740994 9223372036854775808; do
        edit net1.bin "records[0]['options'].update(seed=$seed)
records = [record for record in records if record['type'] != 'checkpoint']" >seed.bin
        [ "$(psdump -k csv seed.bin | sed -n 2p | cut -d , -f 4)" = $seed ]
        cp seed.bin "$seed.bin"
    done
    # Nor do charts take such seeds for the same.
    psplot -k table 9007199254740993.bin 9007199254740994.bin >out
    grep -q '^9007199254740993  *9007199254740993 ' out
    psplot -k overlay --size 90x20 9007199254740993.bin 9007199254740994.bin | grep -q '─ depth 1 '
}

@test "CSV of runs" {
    psdump -k csv net1.bin net2.bin >runs.csv
    [ "$(head -n 1 runs.csv)" = type,name,depth,seed,epoch,iteration,loss,accuracy,images,time,network,rate ]
    # Row for row the records, and every figure bit for bit.
    /usr/bin/python3 - <<'END'
import csv, msgpack
rows = list(csv.DictReader(open("runs.csv")))
want = []
for name in "net1", "net2":
    for record in msgpack.Unpacker(open(name + ".bin", "rb"), raw=False):
        if record["type"] in ("progress", "validation"):
            want.append((name, record))
assert len(rows) == len(want) > 10
for row, (name, record) in zip(rows, want):
    assert row["name"] == name and row["depth"] == name[3] and row["seed"] == "0", row
    for key in "type", "epoch", "iteration":
        assert row[key] == str(record[key]), row
    assert float(row["loss"]) == record["loss"] and float(row["accuracy"]) == record["accuracy"], row
    assert row["images"] == str(record.get("images", "")) and row["time"] == "", row
    assert row["network"] == row["rate"] == "", row
END
}

@test "CSV tells runs apart" {
    mkdir other
    cp net1.bin other/net1.bin
    names() {
        cut -d , -f 2 | uniq | tr '\n' ' '
    }
    [ "$(psdump -k csv net1.bin other/net1.bin | names)" = "name net1.bin other/net1.bin " ]
    [ "$(cat net1.bin net2.bin | psdump -k csv | names)" = "name input input 2 " ]
    cat net1.bin net2.bin >joined.bin
    [ "$(psdump -k csv joined.bin net2.bin | names)" = "name joined joined 2 net2 " ]
    edit net1.bin '
for record in records:
    if record["type"] == "progress": record["loss"] = float("nan")' >'a, "b".bin'
    psdump -k csv 'a, "b".bin' | sed -n 2p | grep -q '^progress,"a, ""b""",1,0,1,1,nan,'
}

@test "CSV of a progress channel" {
    pstrain -q -d 1 -b 10 -e 1 --progress channel --name 'depth 1, again' <epochs.ps >net.bin
    psdump -k csv channel >rows
    grep -q '^validation,"depth 1, again",,,1,3,[0-9.e-]*,[0-9.]*,30,1[0-9]*\.[0-9]*,,$' rows
    [ "$(wc -l <rows)" -eq 5 ]
    # A line is there as soon as its record is.
    mkfifo fifo
    psdump -k csv fifo >live & reader=$!
    exec 9>fifo
    cat channel >&9
    wait_for grep -q ^validation live
    kill -0 $reader
    exec 9>&-
    wait $reader
    cmp live rows
}

@test "CSV of scores" {
    psdump -k csv scores >scores.csv
    /usr/bin/python3 - <<'END'
import csv, msgpack
rows = list(csv.DictReader(open("scores.csv")))
header, *scores, end = msgpack.Unpacker(open("scores", "rb"), raw=False)
classes = header["classes"]
assert len(scores) == 4
def text(value):
    return "" if value is None else repr(value)
at = iter(rows)
for score in scores:
    for kind in ["score"] + ["class"] * len(classes) + ["cell"] * len(classes) ** 2:
        row = next(at)
        assert row["type"] == kind and row["stopped"] == "false", row
        for key in "run", "name", "depth", "epoch", "split":
            assert row[key] == str(score[key]), row
        if kind == "score":
            assert float(row["loss"]) == score["loss"] and float(row["accuracy"]) == score["accuracy"]
            assert row["images"] == str(score["images"]) and row["truth"] == "", row
        elif kind == "class":
            c = classes.index(row["truth"])
            assert int(row["images"]) == sum(score["confusion"][c]), row
            for key in "precision", "recall":
                assert (float(row[key]) if row[key] else None) == score[key][c], row
        else:
            c, g = classes.index(row["truth"]), classes.index(row["guess"])
            assert row["images"] == str(score["confusion"][c][g]), row
assert next(at, None) is None
END
    edit scores 'records[1]["confusion"][0].pop()' >bad
    ends 3 psdump -k csv bad
    grep -q 'row 1 of a confusion matrix does not have .* columns' err
    edit scores 'records[1].update(confusion=None)' >many
    psdump -k csv many >rows
    [ "$(grep -c ^class rows)" -gt "$(grep -c ^score rows)" ]
}

@test "CSV of images, of epochs and of views" {
    psdump -k csv images.ps >rows
    [ "$(grep -c '^image,.*,train,8,8,3,,,,,,$' rows)" -eq 30 ]
    [ "$(wc -l <rows)" -eq 61 ]
    psdump -k csv epochs.ps >rows
    [ "$(cut -d , -f 6,11 rows | sort | uniq -c | tr -s ' ' | tr '\n' ';')" = \
        " 1 split,row; 60 train,; 30 validation,;" ]
    [ "$(cut -d , -f 6,10 rows | sort | uniq -c | tr -s ' ' | tr '\n' ';')" = \
        " 1 split,epoch; 30 train,1; 30 train,2; 30 validation,;" ]
    psdump -k csv views.ps >rows
    /usr/bin/python3 - <<'END'
import csv, msgpack, struct
rows = list(csv.DictReader(open("rows")))
assert {r["epoch"] for r in rows if r["type"] == "image"} == {""} # they come once
rows = [r for r in rows if r["type"] == "view"]
views = [r for r in msgpack.Unpacker(open("views.ps", "rb"), raw=False) if r["type"] == "view"]
want = [list(z) for v in views for z in zip(struct.unpack("<30Q", v["ids"]), struct.unpack("<30i", v["rows"]),
        struct.unpack("<30i", v["columns"]), v["flips"])]
assert [[int(r[k]) for k in ("id", "row", "column", "flip")] for r in rows] == want
assert [r["epoch"] for r in rows] == ["1"] * 30 + ["2"] * 30
assert min(w[1] for w in want) < 0
END
}

@test "keys with commas, quotes, line ends and other bytes in CSV" {
    edit images.ps '
for record, key in zip(records[1:], ["a,b", "say \"no\"", "two\nlines", "tab\tend", "esc\x1b[1m", "é"]):
    record["key"] = key' >odd.ps
    psdump -k csv odd.ps >rows
    no grep -q $'\033' rows
    /usr/bin/python3 - <<'END'
import csv
keys = [row["key"] for row in csv.DictReader(open("rows", newline=""))][:6]
assert keys == ["a,b", "say \"no\"", "two\nlines", "tab\tend", "esc\ufffd[1m", "é"], keys
END
}

@test "the examples of the manual page" {
    eval "$(manual 2 '^psdump -k csv net.*awk')" | sort >by-awk
    /usr/bin/python3 - >by-python <<'END'
import msgpack
for name in "net1", "net2":
    print(name, "%.6g" % max(record["accuracy"] for record in msgpack.Unpacker(open(name + ".bin", "rb"), raw=False)
                             if record["type"] == "validation"))
END
    [ "$(awk '{ printf "%s %.6g\n", $1, $2 }' by-awk)" = "$(cat by-python)" ]
    [ "$(eval "$(manual 1 'jq .select(.type == "validation").accuracy')" | wc -l)" -eq 4 ]
    mkdir photos
    colour photos/a/1.png 4 4 77
    colour photos/b/1.png 4 4 88
    eval "$(manual 1 '^psfetch photos .*base64')" | cmp - <(head -c 48 /dev/zero | tr '\0' M)
    # The table for awk, as the manual page says it.
    cat net1.bin net2.bin | psplot -k table | awk -F '  +' 'NR > 3 { print $1, $2, $4 }' |
        sort | diff - <(printf 'depth 1 1 done\ndepth 2 2 done\n')
}

@test "torn and empty inputs give what they have, with status 3" {
    head -c 3000 net1.bin >torn.bin
    for kind in csv json; do
        ends 3 psdump -k $kind torn.bin net2.bin
        grep -q '^psdump: torn.bin ends .*without an end record' err
        [ "$(wc -l <out)" -gt 10 ]
        ends 3 psdump -k $kind /dev/null
        grep -q 'null is empty' err
        [ ! -s out ]
        ends 1 psdump -k $kind nowhere
        ends 3 psdump -k $kind <<<'no stream'
    done
}

@test "tables of different things are not mixed" {
    ends 1 psdump -k csv net1.bin scores
    grep -q 'scores is a stream of kind scores; one of kind run is wanted' err
    ends 1 psdump -k csv images.ps net1.bin
    grep -q 'net1.bin is a stream of kind run; one of kind images or epochs is wanted' err
    pstrain -q -d 1 -b 10 -e 1 --progress channel <epochs.ps >net.bin
    ends 1 psdump -k csv scores channel
    grep -q 'channel is a progress channel; a stream of kind scores is wanted' err
    ends 2 psdump -k csv -o rows.csv net1.bin
    ends 2 psdump -k csv --bytes net1.bin
    ends 2 psdump -k json --follow net1.bin
}

@test "psplot only draws, and says who writes for programs; psdump knows nothing of drawing" {
    for kind in json csv ranking means status; do
        ends 2 psplot -k $kind net1.bin
        [ ! -s out ]
        [ "$(cat err)" = "psplot: --kind $kind is written for programs, by psdump: psdump --kind $kind" ]
        psdump -k $kind net1.bin >out
        [ -s out ]
    done
    ends 2 psplot -k cvs net1.bin
    grep -q '^psplot: --kind takes one of auto|curves|.*, not cvs$' err
    # What is not said is JSON.
    psdump net1.bin | cmp - <(psdump -k json net1.bin)
    ldd "$(command -v psdump)" >libraries
    grep -q msgpack libraries
    no grep -E 'cairo|fontconfig|freetype' libraries
}

@test "a closed pipe ends it quietly, in the middle of an endless stream; a full disk does not" {
    for kind in csv json; do
        in_time psaug <images.ps 2>augmented | psdump -k $kind 2>err | head -n 2 >/dev/null
        [ "${PIPESTATUS[*]}" = "0 0 0" ]
        [ ! -s err ]
        [ ! -s augmented ]
        status=0
        psdump -k $kind images.ps 2>err >/dev/full || status=$?
        [ $status -eq 1 ]
        grep -q 'cannot write output: No space left' err
    done
}

@test "memory does not grow with the stream" {
    for kind in csv json; do
        psaug -e 400 <images.ps | (memory 60000 && psdump -k $kind) >lines
        [ "$(wc -l <lines)" -gt 12000 ]
    done
}
