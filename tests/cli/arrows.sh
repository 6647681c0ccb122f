#!/usr/bin/env bash
# Holds the flow of data (src/README.md): fails when a file includes a header of a folder that lies further down the stream.
#
#   arrows.sh ROOT
set -eu
cd "$1"

# Folders in the order in which data flows; a folder may include its own rank and lower ones. The program in src/cli has a rule of
# its own: public headers only.
ranks="
1 src/base
2 src/checkpoint
3 src/merge
4 eval/tokenizer
4 eval/transformer
5 eval/tasks
5 eval/alignment
6 src/search
7 src/export
7 notebooks-export
"

find include src eval notebooks-export -name '*.[ch]' -o -name '*.h.in' | sort | xargs grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' |
    awk -v ranks="$ranks" '
        BEGIN {
            n = split(ranks, word, /[ \n]+/)
            for (i = 1; i < n; i++) if (word[i] ~ /^[0-9]+$/) rank[word[i + 1]] = word[i]
        }
        # The known folder that a path lies in.
        function folder(path) {
            while (sub("/[^/]*$", "", path)) if (path in rank || path == "src/cli" || path == "include/hma") return path
            return ""
        }
        function exists(path,   line, found) {
            found = (getline line < path) >= 0
            close(path)
            return found
        }
        # Where a header comes from: beside the file, or below one of the include paths.
        function resolve(file, header,   beside) {
            beside = file
            sub("[^/]*$", "", beside)
            if (exists(beside header)) return beside header
            if (exists("src/" header)) return "src/" header
            if (exists(header)) return header
            if (header ~ "^hma/") return "include/" header # also the one that is generated
            return ""
        }
        {
            split($0, part, ":")
            file = part[1]
            header = $0
            sub("^[^\"]*\"", "", header)
            sub("\".*$", "", header)
            from = folder(file)
            target = resolve(file, header)
            to = folder(target)
            if (target == "" || to == "") why = "is not a header of a known folder"
            else if (to == "include/hma" || from == to) why = ""
            else if (from == "include/hma") why = "is not public, but a public header needs it"
            else if (from == "src/cli") why = "is not public: the program sees only include/hma"
            else if (to == "src/cli" || rank[to] > rank[from]) why = "lies further down the stream"
            else why = ""
            if (why != "") {
                print file ":" part[2] ": \"" header "\" " why
                failed = 1
            }
            count++
        }
        END {
            if (count < 10) { print "only " count + 0 " #include lines were found"; failed = 1 }
            exit failed
        }'
