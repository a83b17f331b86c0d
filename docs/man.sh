#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A manual page from a page of docs/: `man.sh NAME SECTION VERSION DATE "SUMMARY" FILE.md`, on standard output.
# lowdown does the work; around it, headings become a manual's, links to other pages become references to their manuals,
# and its constant-width font, which few know, becomes bold.
set -eu
name=$1 section=$2 version=$3 date=$4 summary=$5 file=$6

{
    printf '# NAME\n\n%s - %s\n\n# DESCRIPTION\n\n' "$name" "$summary"
    # A single line "# Title" is the page's; ``` fences are left as they are.
    awk '
        /^```/ { inside = !inside }
        !inside && /^# / { next }
        !inside && /^## / { print "# " toupper(substr($0, 4)); next }
        !inside && /^### / { print "## " substr($0, 5); next }
        !inside {
            gsub(/\[SITE\]\(SITE\.md[^)]*\)/, "**rolecall-site**(5)")
            gsub(/\[MATRIX\]\(MATRIX\.md[^)]*\)/, "**rolecall-matrix**(5)")
            gsub(/\[EVENTS\]\(EVENTS\.md[^)]*\)/, "**rolecall-events**(5)")
            gsub(/\[CONFIG\]\(CONFIG\.md[^)]*\)/, "**rolecall.json**(5)")
            gsub(/\[COMMANDS\]\(COMMANDS\.md[^)]*\)/, "**rolecall**(1)")
            while (match($0, /\[[^][]*\]\([^)]*\)/)) {
                link = substr($0, RSTART, RLENGTH)
                target = link; sub(/^.*\(/, "", target); sub(/\)$/, "", target)
                text = link; sub(/^\[/, "", text); sub(/\]\(.*$/, "", text)
                sub(/#.*$/, "", target); sub(/^.*\//, "", target)
                $0 = substr($0, 1, RSTART - 1) text (target == "" || target == text ? "" : " (" target ")") substr($0, RSTART + RLENGTH)
            }
        }
        # lowdown wants a list to stand apart.
        !inside && /^(- |[0-9]+\. )/ && !is_list && !is_empty { print "" }
        { print; is_empty = $0 == ""; is_list = !is_empty && (is_list || /^(- |[0-9]+\. )/) }' "$file"
    printf '\n# SEE ALSO\n\n'
    separator=
    for other in 'rolecall 1' 'rolecall.json 5' 'rolecall-site 5' 'rolecall-matrix 5' 'rolecall-events 5'; do
        [ "${other% *}" = "$name" ] && continue
        printf '%s**%s**(%s)' "$separator" "${other% *}" "${other#* }"
        separator=', '
    done
    printf '\n'
} | lowdown -s -Tman --out-no-smarty -M "title=$name" -M "section=$section" -M "date=$date" \
    -M "source=rolecall $version" -M "volume=rolecall" |
    awk '
        BEGIN { print "\047\\\" t" } # there are tables: man is to run tbl
        /^\.(SH|SS)$/ { # the heading on the same line, and no paragraph mark behind it
            macro = $0; getline; gsub(/"/, "\\(dq"); print macro " \"" $0 "\""
            getline
            if ($0 == ".LP" || $0 == ".PP") next
        }
        { gsub(/\\fC|\\f\(CR/, "\\fB"); print }'
