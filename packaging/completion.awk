# Completion for a shell, from what a program's --help says: of words where an option takes one of several, of files
# where it takes a file, and of nothing where it takes a number.
#
#   awk -v shell=bash|zsh -v name=PROGRAM -v recipes='WORD…' -f completion.awk HELP
#
# HELP may have the help of more programs behind: their options are sweep's, too, but for those of the same name and
# those that are of one run.
# An option stands before the 28th letter of its line (of sweep's the 27th), and its help behind it or on the next line;
# a command of sweep stands where an option would.
/^usage: / {
    usages++
    if (usages == 1)
        operands = / < / && !/MODEL/ ? "none" : "files"
    in_options = 0
    next
}
/^examples$/ { in_options = 0; wanted = ""; next }
/^$/ { in_options = 1; wanted = ""; next }
wanted != "" && !/^  (    |-[a-zA-Z], )--/ {
    help[wanted] = $0
    sub(/^ +/, "", help[wanted])
    wanted = ""
    next
}
in_options && usages == 1 && name == "sweep" && /^  [a-z]/ {
    command[++commands] = $1
    about = $0
    sub(/^ +[a-z]+( \[[^ ]*\])? +/, "", about)
    told[$1] = about
    operands = "commands"
    next
}
/ LIST, --/ { next } # sweep's examples of what is another program's
in_options && /^  (    |-[a-zA-Z], )--[a-z]/ {
    column = name == "sweep" && usages == 1 ? 27 : 28
    head = substr($0, column, 1) == " " ? substr($0, 1, column - 1) : $0
    about = substr($0, length(head) + 1)
    sub(/^ +/, "", about)
    sub(/^ +/, "", head)
    letter = ""
    if (head ~ /^-[a-zA-Z],/) {
        letter = substr(head, 1, 2)
        head = substr(head, 5)
    }
    split(head, part, " ")
    option = part[1]
    sub(/,$/, "", option)
    if (option in takes || (usages > 1 && option ~ /^--(quiet|verbose|help|version|progress|name|resume|selftest|first-epoch)$/))
        next
    order[++options] = option
    takes[option] = part[2]
    if (letter != "" && !(letter in used)) {
        used[letter]
        letters[option] = letter
    }
    help[option] = about
    wanted = about == "" ? option : ""
}
# The words that an option takes, "files", or nothing.
function kind(option,    argument) {
    argument = takes[option]
    if (option == "--recipe")
        return recipes " help"
    if (argument ~ /^[a-z0-9-]+([|][a-z0-9-]+)+$/) {
        gsub(/[|]/, " ", argument)
        return argument
    }
    return argument ~ /^(FILE|PATH|DIR|SOURCE)/ ? "files" : ""
}
function bash(    i, option, what, all, cases, both, files, numbers) {
    for (i = 1; i <= options; i++) {
        option = order[i]
        all = all (i > 1 ? " " : "") option
        both = option (option in letters ? " | " letters[option] : "")
        what = kind(option)
        if (what == "files")
            files = files (files == "" ? "" : " | ") both
        else if (what != "")
            cases = cases "    " both ") words='" what "' ;;\n"
        else if (takes[option] != "")
            numbers = numbers (numbers == "" ? "" : " | ") both
    }
    if (files != "")
        cases = cases "    " files ") return ;;\n"
    if (numbers != "")
        cases = cases "    " numbers ") words= ;;\n"
    print "# bash completion for " name ", made of its --help"
    print "_" name "() {"
    print "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=none"
    print "    if [ \"$word\" = = ]; then word=; elif [ \"$before\" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi"
    print "    COMPREPLY=()"
    print "    case $before in"
    printf "%s", cases
    print "    esac"
    print "    if [ \"$words\" = none ]; then"
    print "        words="
    print "        case $word in"
    print "        -*) words='" all "' ;;"
    if (operands == "files")
        print "        *) return ;;"
    if (operands == "commands") {
        for (i = 1; i <= commands; i++)
            what = (i > 1 ? what " " : "") command[i]
        print "        *) words='" what "' ;;"
    }
    print "        esac"
    print "    fi"
    print "    compopt +o default 2>/dev/null # no files where there are words"
    print "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")"
    print "}"
    print "complete -o default -F _" name " " name
}
function quoted(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/'/, "'\\''", text)
    gsub(/\[/, "\\[", text)
    gsub(/\]/, "\\]", text)
    gsub(/:/, "\\:", text)
    return text
}
function zsh(    i, option, what, both, tail) {
    print "#compdef " name
    print "# made of its --help"
    print "_arguments -s \\"
    for (i = 1; i <= options; i++) {
        option = order[i]
        both = option
        tail = "[" quoted(help[option]) "]"
        if (takes[option] != "") {
            both = option "="
            what = kind(option)
            tail = tail ":" quoted(what ~ / / ? substr(option, 3) : tolower(takes[option])) ":" (what == "files" ? "_files" : what == "" ? "" : "(" what ")")
        }
        if (option in letters)
            print "    '(" letters[option] " " option ")'{" letters[option] (takes[option] == "" ? "," : "+,") both "}'" tail "' \\"
        else
            print "    '" both tail "' \\"
    }
    if (operands == "commands") {
        printf "    '1:command:(("
        for (i = 1; i <= commands; i++)
            printf "%s%s\\:\"%s\"", (i > 1 ? " " : ""), command[i], quoted(told[command[i]])
        print "))'"
    } else
        print operands == "files" ? "    '*:file:_files'" : "    ':'"
}
END {
    if (shell == "bash")
        bash()
    else
        zsh()
}
