# What the points of a sweep differ in, as people read it: "learning rate", not --learning-rate or -r.
#
#   awk -f options.awk -v want=… POINTS [-]
#
# POINTS is the folder's file. Prints, by want:
#   columns   the lines of standard input, tabs between their fields, the first of them the heads; in the place of
#             their last field, which holds options, a column for each option in which points differ, and names in
#             the first field as short as they can be told apart
#   words     for each line of standard input, which holds options: "depth 3, learning rate 0.05"
#   space     what was swept: "depth 1–4 × 3 seeds"
#   shared    what all points have in common: "batch size 64, momentum 0.5"
BEGIN {
    FS = OFS = "\t"
    split("b batch-size d depth m momentum r learning-rate s seed t threads", letter, " ")
    for (i = 1; i in letter; i += 2)
        long[letter[i]] = letter[i + 1]
}
# Sets value[row, name] and what is known of the names.
function parse(row, text,    word, words, i, name, at, is_flag) {
    words = split(text, word, " ")
    for (i = 1; i <= words; i++) {
        name = word[i]
        at = index(name, "=")
        is_flag = 0
        if (name ~ /^-[a-z][^=]/) {
            word[i] = substr(name, 3)
            name = substr(name, 1, 2)
        } else if (at > 0) {
            word[i] = substr(name, at + 1)
            name = substr(name, 1, at - 1)
        } else if (i < words && word[i + 1] !~ /^-[^0-9.]/)
            i++
        else {
            word[i] = "yes"
            is_flag = row != "row"
        }
        sub(/^--?/, "", name)
        if (name in long)
            name = long[name]
        gsub(/-/, " ", name)
        if (is_flag)
            flag[name]
        value[row, name] = word[i]
        if (row != "row" && !(name in listed)) {
            order[++names] = name
            listed[name]
        }
    }
}
function of(row, name) {
    return (row, name) in value ? value[row, name] : name in flag ? "no" : "-"
}
# The values of an option, in the order of the points, as a list; sets various: how many, or 0 of the one horizon of all
# points whose schedule ends, which is no difference of its own.
function list(name,    i, seen, got, text, first, last, steps) {
    various = steps = 0
    for (i = 1; i <= points; i++) {
        got = of(i, name)
        if (got in seen)
            continue
        seen[got]
        if (got == "-")
            got = "default"
        if (various++ == 0)
            first = got
        else if (got ~ /^[0-9]+$/ && got == last + 1)
            steps++
        text = text (various > 1 ? ", " : "") got
        last = got
    }
    if (name == "horizon" && various == 2 && "-" in seen)
        various = 0
    if (name == "seed" && various > 1)
        return various " seeds"
    if (various > 2 && steps == various - 1)
        return name " " first "–" last
    return various > 5 ? various " values of " name : name " " text
}
# Where depth and seed tell points apart, they are enough of a name, and else as many digits behind them as do.
function short(name,    stem) {
    if (!(name in point))
        return name
    stem = name
    sub(/-[0-9a-f]*$/, "", stem)
    return alone[stem] == 1 ? stem : substr(name, 1, length(stem) + 1 + digits)
}
# What has been read when the points have been.
function know(    i) {
    known = 1
    for (digits = 3; alike[digits]; digits++)
        ;
    for (i = 1; i <= names; i++) {
        swept[i] = list(order[i])
        size[i] = various
    }
}

FILENAME != "-" {
    stem = $1
    sub(/-[0-9a-f]*$/, "", stem)
    if (!($1 in point)) {
        point[$1]
        alone[stem]++
        for (i = 3; i < 12; i++)
            alike[i] += seen[substr($1, 1, length(stem) + 1 + i)]++ > 0
        parse(++points, $3)
    }
    next
}
!known { know() }
{
    split("", value)
    parse("row", $NF)
    line = text = ""
    for (i = 1; i < NF; i++)
        line = line (i == 1 ? short($1) : OFS $i)
    for (i = 1; i <= names; i++)
        if (size[i] > 1) {
            line = line OFS (FNR == 1 ? order[i] : of("row", order[i]))
            if (("row", order[i]) in value)
                text = text (text == "" ? "" : ", ") order[i] " " of("row", order[i])
        }
    print want == "words" ? text : line
}
END {
    if (want == "space" || want == "shared") {
        if (!known)
            know()
        combined = 1
        for (i = 1; i <= names; i++)
            combined *= size[i] > 0 ? size[i] : 1
        between = want == "shared" ? ", " : combined == points ? " × " : "; "
        text = ""
        for (i = 1; i <= names; i++)
            if (size[i] > 0 && (size[i] > 1) == (want == "space"))
                text = text (text == "" ? "" : between) swept[i]
        print text
    }
}
