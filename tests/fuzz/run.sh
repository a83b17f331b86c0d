#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the fuzz targets and runs each for so many seconds, two at a time: run.sh [SECONDS [TARGET...]]
# Prints a line per target and the total. What is found stays in build/fuzz/artifacts, what was learnt in
# build/fuzz/corpus. ROLECALL_CORPUS may name a folder of captures for more seeds. Exit status: 0 nothing found,
# 1 a finding, 2 it could not be built.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-30}
[ $# -gt 0 ] && shift

build=$PWD/build/fuzz
mkdir -p build
{ cmake --preset fuzz && cmake --build --preset fuzz; } >build/fuzz.log 2>&1 || {
    grep -E 'error|FAILED|undefined' build/fuzz.log >&2
    echo "fuzz: the build failed: build/fuzz.log" >&2
    exit 2
}
mkdir -p "$build/artifacts" "$build/corpus" "$build/logs"
/usr/bin/python3 tests/fuzz/seeds.py "$build/rolecall" "$build/seeds" ${ROLECALL_CORPUS:+"$ROLECALL_CORPUS"} \
    >"$build/logs/seeds" 2>&1 || { cat "$build/logs/seeds" >&2; exit 2; }

# One target: its line goes to standard output, its own words to the log. A finding leaves an artifact and status 1.
# Leaks are looked for at the end only; an input that takes 10 s or 1 GiB is a finding as well.
one='
    target=$1
    mkdir -p "$build/corpus/$target" "$build/seeds/$target"
    dictionary=
    case $target in fuzz_rules | fuzz_site | fuzz_config | fuzz_control | fuzz_json_in | fuzz_cef | fuzz_report) dictionary=-dict=$build/seeds/json.dict ;; esac
    status=0
    "$build/tests/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$build/artifacts/$target-" $dictionary "$build/corpus/$target" "$build/seeds/$target" \
        >"$build/logs/$target" 2>&1 || status=$?
    runs=$(sed -n "s/^stat::number_of_executed_units: *//p" "$build/logs/$target")
    if [ $status = 0 ]; then
        printf "%-24s %10s executions\n" "$target" "$runs"
    else
        printf "%-24s %10s executions  FINDING: %s\n" "$target" "${runs:-?}" \
            "$(grep -aE "expected:|ERROR: |runtime error" "$build/logs/$target" | head -n 1)"
    fi
'
export build seconds
[ $# -gt 0 ] || set -- $(cat "$build/fuzz_targets")
printf '%s\n' "$@" | xargs -P 2 -I TARGET sh -c "$one" fuzz TARGET | tee "$build/summary"
awk '{ total += $2 } / FINDING: / { found++ }
     END { printf "%d targets, %d executions, %d findings\n", NR, total, found; exit found > 0 }' "$build/summary"
