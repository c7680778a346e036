#!/usr/bin/env bats
# pipelines/others.md, as its readers type it: its lines in order, its scripts by the names that they begin with.
load ../helper

document=$REPOSITORY/pipelines/others.md

@test "others.md: records to jq, gnuplot, pandas and TensorBoard, images to PyTorch and from NumPy" {
    long
    local python=$REPOSITORY/build/readers/bin/python
    [ -x "$python" ] || skip "there is no TensorBoard beside Debian's Python (make readers)"
    cp "$REPOSITORY"/pipelines/{psweep_torch.py,progress_to_tensorboard.py} .
    PATH=$REPOSITORY/build/readers/bin:$PWD:$PATH
    awk '/^```/ { inside = !inside } !inside && /^    / { print substr($0, 5) }' "$document" >lines
    awk '/^```$/ { file = "" }
        /^# .*\.py: / && begins { file = substr($2, 1, length($2) - 1) }
        { begins = /^```python/ }
        file { print > file }' "$document"
    ls best.py train.py stripes.py
    bash -o pipefail -ex lines >out
    sed -n 1,4p out | diff - <(psdump -k csv net1.bin | awk -F , '$1 == "validation" { print $5 "\t" $8 }')
    sed 1,4d out | jq -e '.limit == 3000'
    file loss.png | grep 'PNG image data'
    python3 best.py >best
    diff <(tail -n +2 best | awk '{ printf "%s %.4f\n", $1, $3 }') <(psdump -k ranking --rank best net1.bin net2.bin |
        awk -F '\t' 'NR > 1 { sub(/\.bin/, "", $1); printf "%s %.4f\n", $1, $2 / 100 }' | sort)
    python3 - logs/depth3 <<'END' | diff - <(psdump -k csv net3.bin | awk -F , '$1 == "validation" { printf "%d %.4f\n", $6, $8 }')
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
logged = EventAccumulator(sys.argv[1]).Reload()
for event in logged.Tensors("accuracy/validation"):
    print(event.step, f"{event.tensor_proto.float_val[0]:.4f}")
END
    psaug -e 3 <shapes.ps | python3 train.py >trained
    [ "$(grep -c '^epoch [1-3]: [0-9]* of 300 right$' trained)" = 3 ]
    # What was cut short or damaged does not pass for an epoch.
    psaug -e 3 <shapes.ps >epochs
    head -c 2000000 epochs | no python3 train.py 2>err
    grep 'ValueError: the stream was cut short or is damaged' err
    printf X | dd of=epochs bs=1 seek=2000000 conv=notrunc status=none
    no python3 train.py <epochs 2>err
    grep 'ValueError: the stream was cut short or is damaged' err
    python3 stripes.py | psaug -e 3 | pstrain -d 1 -e 3 >stripes.bin
    [ "$(psdump -k status stripes.bin | awk -F '\t' 'NR == 2 { print $2, ($7 >= 90) }')" = 'done 1' ]
}
