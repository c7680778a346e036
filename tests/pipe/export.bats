# pseval --export: networks in files of other programs, and what these make of them.
load ../helper

# reader MODULE...: sets $python to one that has them: that of make readers, or the system's.
reader() {
    local modules=$*
    for python in "$REPOSITORY"/{build,..}/readers/bin/python /usr/bin/python3 python3; do
        "$python" -c "import ${modules// /,}" 2>/dev/null && return
    done
    skip "needs $* for Python (make readers installs what there is of them)"
}

# made NAME IMAGES OPTION...: NAME.bin, a network that pstrain has begun with IMAGES.ps, whose tensors then become others,
# so that each of them matters, and the 0.00001 beside variances, too.
made() {
    psaug -q -e 1 <"$2.ps" | pstrain -q -b 12 "${@:3}" >begun.bin
    edit begun.bin '
import random
records = [record for record in records if record["type"] != "checkpoint"]
reach = 0.2 if records[-1]["network"].get("stages", "").endswith("max") else 3 # of logits: a few
draw = random.Random(1).uniform
ranges = {"bias": (-0.3, 0.3), "scale": (0.005, 0.02), "offset": (-0.3, 0.6), "mean": (-0.3, 0.3), "variance": (5e-5, 2e-4)}
for tensor in records[-1]["tensors"]:
    count, kind = len(tensor["values"]) // 4, tensor["name"].split(".")[-1]
    if kind in ranges:
        tensor["values"] = struct.pack("<%df" % count, *[draw(*ranges[kind]) for _ in range(count)])
    elif tensor["name"].startswith("connected"):
        tensor["values"] = struct.pack("<%df" % count, *[draw(-reach, reach) for _ in range(count)])' >"$1.bin"
    export_all "$1" "$2"
}
# export_all NAME IMAGES: NAME.bin in all forms, and what pseval says of the images, of all classes, in NAME.said.
export_all() {
    local file
    for file in "$1.onnx" "$1-float.onnx --input float" "$1-keep.onnx --batch-norm keep" "$1.safetensors" "$1.npz"; do
        # shellcheck disable=SC2086
        pseval --export $file "$1.bin" </dev/null
    done
    pseval -q --predict --top 10 "$1.bin" <"$2.ps" >"$1.said"
}
# compared IMAGES.ps NAME...: see export.py
compared() {
    "$python" "$REPOSITORY/tests/pipe/export.py" "$@"
}
sets() {
    psfetch -q --limit 24 --resize 32x32 >colour.ps
    psfetch -q --limit 24 --resize 28x28 --channels 1 >grey.ps
}

@test "ONNX Runtime and numpy get the logits that pseval has" {
    reader onnxruntime onnx numpy msgpack
    sets
    made text colour --network 24w-16k1p-16-16+2-24-24+1-max --dropout 0.3 --average ema:0.9
    made c3 colour -d 3
    made g2 grey -d 2
    if [ -n "$every" ]; then
        for depth in 1 2 4; do made c$depth colour -d $depth; done
        for depth in 1 3 4; do made g$depth grey -d $depth; done
        made plain grey --network 8k1-12-12+1-12k3p-8-8-8+2-6k1
    fi
    compared colour.ps text c3 ${every:+c1 c2 c4} grey.ps g2 ${every:+g1 g3 g4 plain}
}

@test "PyTorch loads any network by psweep_net.py, and gets the same" {
    long
    reader torch safetensors onnxruntime onnx numpy msgpack
    sets
    made text colour --network 24w-16k1p-16-16+2-24-24+1-max
    made c4 colour -d 4
    made plain grey --network 8k1-12-12+1-12k3p-8-8-8+2-6k1
    PYTHONPATH=$REPOSITORY/pipelines compared colour.ps text c4 grey.ps plain >out
    [ "$(grep -c '^[a-z0-9]*\.safetensors: ' out)" -eq 3 ]
}

@test "the files are sound to the libraries of their formats, with names of classes of all sorts; the same each time" {
    small_model 40 20
    # shellcheck disable=SC2016
    edit net.bin 'records = [record for record in records if record["type"] != "checkpoint"]
names = records[0]["classes"]
names[:4] = ["a \"quoted\" \\ name", "caf\u00e9 \u732b", "\U0001f408", "two\nlines"]' >odd.bin
    for file in odd.onnx odd.safetensors odd.npz; do
        pseval --export $file odd.bin
        mv $file $file.first
        pseval --export $file odd.bin
        cmp $file $file.first
    done
    /usr/bin/python3 -m zipfile -t odd.npz
    reader onnxruntime safetensors.numpy numpy
    $python - <<'END'
import json, numpy, onnxruntime, safetensors, safetensors.numpy
names = ['a "quoted" \\ name', "caf\u00e9 \u732b", "\U0001f408", "two?lines"]
told = onnxruntime.InferenceSession("odd.onnx").get_modelmeta()
assert told.producer_name == "psweep"
assert int.from_bytes(open("odd.safetensors", "rb").read(8), "little") % 8 == 0
with safetensors.safe_open("odd.safetensors", "numpy") as file:
    metadata = file.metadata()
for told in told.custom_metadata_map, metadata:
    assert json.loads(told["classes"])[:4] == names and len(json.loads(told["classes"])) > 4
    assert told["network"] == "16p-32p-64"
npz, safe = numpy.load("odd.npz"), safetensors.numpy.load_file("odd.safetensors")
assert list(npz["classes"])[:4] == names and str(npz["network"]) == "16p-32p-64"
words = {"weights": "weight", "bias": "bias", "scale": "weight", "offset": "bias", "mean": "running_mean", "variance": "running_var"}
for name in set(npz) - {"network", "classes"}:
    layer, _, word = name.rpartition(".")
    other = safe.pop(f"{layer}.{words[word]}" if layer else name)
    assert other.dtype == "float32" and numpy.array_equal(other, npz[name].astype("f4")), name
assert not safe
END
}

@test "the example of the manual" {
    reader onnxruntime numpy PIL.Image
    colour cat.png 8 8 90 && colour dog.png 8 8 200
    mkdir -p photos/cat photos/dog && mv cat.png photos/cat && mv dog.png photos/dog
    psfetch -q photos | psaug -q -e 2 | pstrain -q -d 1 >net3.bin
    pseval --export net3.onnx net3.bin
    cp photos/dog/dog.png photo.png
    sed -n '/^import json/,/^\.Ed/p' "$REPOSITORY/tools/eval/pseval.1" | sed '$d' >example.py
    [ "$(wc -l <example.py)" -eq 6 ]
    $python example.py >out
    grep -Ex '(cat|dog) 0\.[0-9]+|(cat|dog) 1\.0' out
    psfetch -q photo.png --unlabelled | pseval -q --predict net3.bin | records /dev/stdin |
        jq -rs '.[0].classes as $c | .[1] | "\($c[.guess]) \(.probability)"' >said
    paste -d ' ' out said | awk '$1 != $3 || ($2 - $4) ^ 2 > 1e-8 { exit 1 }'
}

@test "what cannot be exported is said, and what stood there stays" {
    small_model 40 20
    ends 0 pseval --export net.onnx net.bin </dev/null
    [ ! -s out ] && [ ! -s err ]
    cp net.onnx before.onnx
    # refused STATUS SENTENCE ARGUMENT...: net.onnx is as before, and nothing lies about.
    refused() {
        ends "$1" pseval "${@:3}" </dev/null
        grep -q "^pseval: $2" err || { cat err && return 1; }
        [ "$(wc -l <err)" -eq 1 ]
        [ ! -s out ]
        cmp net.onnx before.onnx
        no compgen -G '*.part'
    }
    refused 2 '--export takes one model, not 2$' --export net.onnx net.bin net.bin
    for ending in net.pb net onnx .onnx; do
        refused 2 "$ending does not end in .onnx, .safetensors or .npz, which says the format\$" --export $ending net.bin
    done
    for option in "--wrong 3" --predict "--require accuracy=0.5" "--only test" "--tta flip"; do
        # shellcheck disable=SC2086
        refused 2 "${option% *} is about images, and --export reads none$" --export net.onnx $option net.bin
    done
    refused 2 '--input and --batch-norm go with .onnx: net.npz has the tensors as they are$' --export net.npz --input float net.bin
    refused 2 '--input and --batch-norm go with --export FILE.onnx$' --batch-norm keep net.bin
    edit net.bin 'records = [record for record in records if record["type"] != "checkpoint"]
tensor = records[-1]["tensors"][-1]
tensor["values"] = tensor["values"][:-4] + struct.pack("<f", float("nan"))' >nan.bin
    refused 1 'nan cannot be exported: its connected.bias has values that are not finite numbers (the training diverged)$' --export net.onnx nan.bin
    head -c 30000 net.bin >torn.bin
    refused 3 'torn.bin ends in the middle of ' --export net.onnx torn.bin
    refused 1 'cannot read none.bin: No such file' --export net.onnx none.bin
    refused 1 'images.ps is a stream of kind images; one of kind run is wanted$' --export net.onnx images.ps
    refused 1 'cannot write none/net.onnx: No such file' --export none/net.onnx net.bin
    mkdir folder.onnx
    refused 1 'cannot write folder.onnx: Is a directory$' --export folder.onnx net.bin
    ln -s /dev/full full.onnx
    refused 1 'cannot write full.onnx: No space left on device$' --export full.onnx net.bin
    [ -L full.onnx ]
    # A disk that is full, or a file that may not grow.
    (ulimit -f 8 && refused 1 'cannot write net.onnx: File too large$' --export net.onnx net.bin)
    ends 0 pseval --export net.onnx --batch-norm keep net.bin
    no cmp -s net.onnx before.onnx
    ln -s /dev/stdout pipe.onnx
    pseval --export pipe.onnx --batch-norm keep net.bin | cmp - net.onnx
}

@test "all of CIFAR-10's test images are the same classes to ONNX Runtime" {
    long
    need_shared data/cifar10-jpeg.tar.gz
    reader onnxruntime onnx numpy msgpack
    psfetch -q "${shared:?}/data/cifar10-jpeg.tar.gz" --include 'train/*/0*.jpg' --as train |
        psaug -q --flip 0.5 -e 2 | pstrain -q -d 3 >net.bin
    psfetch -q "${shared:?}/data/cifar10-jpeg.tar.gz" --include 'test/*' --as test >test.ps
    export_all net test
    compared test.ps net
}
