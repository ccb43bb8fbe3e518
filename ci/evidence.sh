#!/usr/bin/env bash
# Whether every model, mutant, litmus test, test and fuzz target that the table of claims in
# docs/verification.md names exists, and whether the table leaves out an ordering or a mutant.

set -eu
cd "$(dirname "$0")/.."
code=0
complain() { echo "$*" && code=1; }

rows="$(sed -n '/^## Claims and their evidence/,/^## /p' docs/verification.md | grep '^| ' | sed '1d')"
[ "$(wc -l <<<"$rows")" -ge 20 ] || complain "the table of claims is not there"

# In the column, what stands between backquotes.
quoted() { awk -F'|' -v column="$1" '{ print $column }' <<<"$rows" | grep -oE '`[^`]+`' | tr -d '`' | sort -u; }

for model in $(quoted 3); do
    file="loom-tests/tests/${model%%::*}.rs"
    grep -qE "fn ${model##*::}(<|\()" "$file" 2>/dev/null || complain "there is no model $model"
done
for test in $(quoted 4); do
    [ -e "litmus/tests/$test.litmus" ] || complain "there is no litmus test $test"
done
for test in $(quoted 5); do
    case "$test" in
    *::*) grep -qE "fn ${test##*::}(<|\()" "tests/${test%%::*}.rs" 2>/dev/null || complain "there is no test $test" ;;
    *) [ -e "fuzz/fuzz_targets/$test.rs" ] || complain "there is no fuzz target $test" ;;
    esac
done

# Every mutant is a claim's evidence, by the model that ci/teeth.sh has it killed by.
killers="$(sed -nE "/cat <<'END'/,/^END/p" ci/teeth.sh | awk -F'|' 'NF >= 4 { sub(/^.*::/, "", $3); print $1 "|" $2 "::" $3 }' | sort -u)"
models="$(awk -F'|' '{ print $3 }' <<<"$rows")"
named="$(while read -r row; do
    while read -r mutants model; do
        for mutant in ${mutants//,/ }; do echo "$mutant|$model"; done
    done < <(grep -oE '[A-Z][A-Za-z0-9]*(, [A-Z][A-Za-z0-9]*)* `[^`]+`' <<<"$row" | sed -E 's/, ([A-Z])/,\1/g; s/`//g')
done <<<"$models" | sort -u)"
while read -r pair; do
    grep -qxF "$pair" <<<"$killers" || complain "${pair%|*} is not what ci/teeth.sh has ${pair#*|} die of"
done <<<"$named"
for mutant in $(cut -d'|' -f1 <<<"$killers" | sort -u); do
    grep -q "^$mutant|" <<<"$named" || complain "no claim names the mutant $mutant"
done
exit "$code"
