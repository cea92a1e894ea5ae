#!/usr/bin/env bash
# Freezes plug-ins of a release: builds them with the SDK of its tag, for this system, into FOLDER/VERSION-SYSTEM, where VERSION is
# that of the ABI. Usage: freeze.sh TAG [FOLDER]; FOLDER is the one of this script unless given. Done once for each minor version
# of the ABI, when it is released; what is frozen is never built again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)

[ $# -ge 1 ] && [ $# -le 2 ] || { echo "usage: freeze.sh TAG [FOLDER]" >&2 && exit 2; }
tag=$1
into=${2:-$here}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -C "$root" archive "$tag" sdk tests/abi/hosts | tar -x -C "$work"

number() { sed -n "s/^#define HT_ABI_$1 \([0-9]*\)u$/\1/p" "$work/sdk/include/halftone/base.h"; }
system=$(uname -s -m | tr 'A-Z ' 'a-z-')
target=$into/$(number MAJOR).$(number MINOR)-$system
[ ! -e "$target" ] || { echo "freeze.sh: $target exists; what is frozen stays" >&2 && exit 1; }

flags=(-O2 -fPIC -shared -fvisibility=hidden -s "-ffile-prefix-map=$work=." "-I$work/sdk/include" -Wl,-z,defs
  "-Wl,--version-script=$work/sdk/cmake/plugin.version" -Wl,--build-id=none)
mkdir -p "$work/out"
# Observers with accumulators: the SDK's template of one, under the id that the test asks for.
for language in c cpp; do
  sed 's/template-name/mean-extremes/g' "$work/sdk/template/observer/template_name.$language" >"$work/mean_extremes.$language"
done
"${CC:-gcc}" -std=c11 "${flags[@]}" "$work/tests/abi/hosts/counts.c" -o "$work/out/counts_c.so"
"${CXX:-g++}" -std=c++20 "${flags[@]}" "-I$work/sdk/cpp" "$work/tests/abi/hosts/counts.cpp" -o "$work/out/counts_cpp.so"
"${CC:-gcc}" -std=c11 "${flags[@]}" "$work/mean_extremes.c" -o "$work/out/mean_extremes_c.so"
"${CXX:-g++}" -std=c++20 "${flags[@]}" "-I$work/sdk/cpp" "$work/mean_extremes.cpp" \
  -o "$work/out/mean_extremes_cpp.so"
mv "$work/out" "$target"
echo "frozen: $target"
