# The state of every point of a sweep, from lines with tabs between their fields:
#   point NAME EPOCHS OPTIONS    as asked for, in order, before all others
#   running NAME | failed NAME
#   FILE STATE EPOCH EPOCHS CHECKPOINT ITERATION ACCURACY LOSS ENGINE REASON    of psdump -k status
# Prints NAME STATE EPOCH EPOCHS ACCURACY LOSS ENGINE OPTIONS. Of several files of a point, the one that
# came furthest speaks.
BEGIN { FS = OFS = "\t" }
$1 == "point" {
    if (!($2 in epochs))
        order[++points] = $2
    epochs[$2] = $3
    options[$2] = $4
    next
}
$1 == "running" { running[$2]; next }
$1 == "failed" { failed[$2]; next }
{
    name = $1
    sub(/.*\//, "", name)
    kind = name
    sub(/\.[a-z0-9]*$/, "", name)
    sub(/.*\./, "", kind)
    if (!(name in epochs))
        next
    if (kind == "bin" && $2 == "done" && ($3 + 0 >= epochs[name] + 0 || $10 == "patience"))
        done[name]
    if (kind == "stopped")
        stopped[name]
    if (!(name in epoch) || $3 + 0 > epoch[name]) {
        epoch[name] = $3 + 0
        accuracy[name] = $7
        loss[name] = $8
        engine[name] = $9
    }
}
END {
    for (i = 1; i <= points; i++) {
        name = order[i]
        state = "missing"
        if (name in stopped) state = "stopped"
        if (name in failed) state = "failed"
        if (name in done) state = "done"
        if (name in running) state = "running"
        if (!(name in epoch)) {
            epoch[name] = 0
            accuracy[name] = loss[name] = engine[name] = "-"
        }
        print name, state, epoch[name], epochs[name], accuracy[name], loss[name], engine[name], options[name]
    }
}
