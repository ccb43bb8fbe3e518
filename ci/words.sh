#!/usr/bin/env bash
# Rules about the text of the tree: files stay short, `unsafe` stays where it belongs, and nothing
# speaks of the circumstances under which it was written.

set -eu
cd "$(dirname "$0")/.."
code=0

# A newcomer reads a file in one sitting.
while read -r file; do
    lines="$(wc -l <"$file")"
    if [ "$lines" -gt 500 ]; then
        echo "$file has $lines lines, more than 500"
        code=1
    fi
done < <(git ls-files --cached --others --exclude-standard -- \
    'src/*.rs' 'tests/*.rs' 'loom-tests/*.rs' 'fuzz/*.rs' 'bridge/*.rs' 'platforms/*.rs' 'js/*.rs' 'js/*.js' 'structured/*.rs' 'litmus/*.rs')

# The library's modules are layers: each imports only from those before it in this list.
layers='sync error insight ring archive link half port iter event_loop select fd futures call guide'
below=''
for layer in $layers; do
    below="$below $layer "
    while IFS=: read -r file import; do
        case "$below" in
        *" $import "*) ;;
        *)
            echo "$file imports \`$import\`, which is not below \`$layer\`"
            code=1
            ;;
        esac
    done < <(git ls-files --cached --others --exclude-standard -- "src/$layer.rs" "src/$layer/*.rs" |
        grep -v /tests | xargs -r grep -HoE '^ *[^/ ].*\bcrate::[a-z_]+' |
        sed -E 's/^([^:]*):.*\bcrate::([a-z_]+)$/\1:\2/' | sort -u)
done
for file in src/*; do
    module="${file#src/}"
    case " $layers lib " in *" ${module%.rs} "*) ;; *) echo "$file is in no layer" && code=1 ;; esac
done

# The ring and the archive bridge handle raw bytes; the wait cell an unparker behind its state
# word; the end of a link has the address of a cell of it; the CPU comes from the C library; the others only pass on the promise made to `trust_archives`.
may_be_unsafe='^src/(ring/(buffer|consumer|consumer/(emptying|lengths)|growth|memory|mod|prefetch|producer|producer/(filling|room|unread)|returns|segment|spill|tests/blocks)|link/(end|wait/(cell|cpu))|archive/(check|copy|scratch|width)|half/(guard|receiver|receiver/batch)|port/(builder|channel))\.rs$'
while read -r file; do
    if ! grep -qE "$may_be_unsafe" <<<"$file" && sed 's://.*::' "$file" | grep -qw unsafe; then
        echo "$file uses unsafe"
        code=1
    fi
done < <(git ls-files --cached --others --exclude-standard -- 'src/*.rs')

# The engine has no safe function for some things, and slow ones for what each message does; the trait
# for the validation of values is `unsafe`.
may_be_unsafe='^(js/src/engine/(buffers|call|made|mod|names|values|walk)|structured/src/value)\.rs$'
while read -r file; do
    if ! grep -qE "$may_be_unsafe" <<<"$file" &&
        sed 's://.*::; s/unsafe_code//' "$file" | grep -qw unsafe; then
        echo "$file uses unsafe"
        code=1
    fi
done < <(git ls-files --cached --others --exclude-standard -- 'js/src/*.rs' 'structured/src/*.rs')

# Bracketed, so that this file does not find itself.
absolute='(^|[^A-Za-z0-9_./~}-])/(wor[k]|hom[e]|roo[t]|Use[r]s)/'
numbers='(^|[ (])#[0-9]+\b|\b([Ii]ssue|[Pp]ull request|PR) #?[0-9]+\b'
makers='\b(assistan[t]|chatbo[t]|language mode[l]|LL[M]s?|co-authored-b[y]|generated wit[h]|AI-generate[d])\b'
later='\b(TOD[O]|FIXM[E]|XX[X])\b'
if git ls-files -z --cached --others --exclude-standard -- ':!Cargo.lock' ':!*/Cargo.lock' ':!*.svg' \
    ':!fuzz/corpus' ':!structured/fuzz/corpus' ':!tests/compile_fail/*.stderr' | xargs -0 grep -InE "$absolute|$numbers|$later"; then
    echo "these lines have an absolute path, a number of a thread, or something left to do"
    code=1
fi
if git ls-files -z --cached --others --exclude-standard -- ':!Cargo.lock' ':!*/Cargo.lock' \
    ':!fuzz/corpus' ':!structured/fuzz/corpus' | xargs -0 grep -InEi "$makers"; then
    echo "these lines say how the tree was made"
    code=1
fi
exit "$code"
