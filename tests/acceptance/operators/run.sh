#!/usr/bin/env bash
# Operators against ONNX Runtime on random cases. Usage: run.sh BUILD_DIR [MODULES]
# MODULES is the folder where the consumer test put its npm packages: $HALFTONE_ORT_MODULES, or BUILD_DIR/consumer, unless
# given. Ends with 3 where they are not there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

[ $# -ge 1 ] || { echo "usage: run.sh BUILD_DIR [MODULES]" >&2 && exit 2; }
build=$(cd "$1" && pwd)
modules=${2:-${HALFTONE_ORT_MODULES:-$build/consumer}}
if ! command -v node >/dev/null || [ ! -d "$modules/node_modules/onnxruntime-node" ]; then
  echo "operators: ONNX Runtime is not there; tests/acceptance/consumer/run.sh installs it"
  exit 3
fi
cases=$build/operator_cases
rm -rf "$cases"
HALFTONE_BUILD_DIR=$build "$build/tests/operator_cases" "$cases"
node "$here/compare.mjs" --modules "$modules" --cases "$cases"
