#!/usr/bin/env bash
# The consumer test: exported files in ONNX Runtime. Usage: run.sh BUILD_DIR [MODEL_FOLDER ...]
# Without folders: examples/glyphs, and the models of HALFTONE_SHARED where that is set. The npm packages go into
# BUILD_DIR/consumer.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)

[ $# -ge 1 ] || { echo "usage: run.sh BUILD_DIR [MODEL_FOLDER ...]" >&2 && exit 2; }
build=$(cd "$1" && pwd)
shift
work=$build/consumer

command -v node >/dev/null && command -v npm >/dev/null ||
  { echo "consumer: node and npm are needed; scripts/install-dependencies.sh --test installs them" >&2 && exit 1; }

mkdir -p "$work"
if ! cmp -s "$here/package-lock.json" "$work/installed.json"; then
  cp "$here/package.json" "$here/package-lock.json" "$work/"
  # The run-time library is part of the package; its install script would only fetch files for graphics cards.
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  cp "$here/package-lock.json" "$work/installed.json"
fi

folders=("$@")
if [ ${#folders[@]} -eq 0 ]; then
  folders=("$root/examples/glyphs")
  if [ -n "${HALFTONE_SHARED:-}" ] && [ -d "$HALFTONE_SHARED/models" ]; then
    for meta in "$HALFTONE_SHARED"/models/*/meta.json; do folders+=("$(dirname "$meta")"); done
  else
    echo "consumer: HALFTONE_SHARED is not set, so examples/glyphs only"
  fi
fi

node "$here/check.mjs" --halftone "$build/bin/halftone" --modules "$work" --out "$work/out" "${folders[@]}"
pictures=()
for folder in "${folders[@]}"; do
  case $(basename "$folder") in glyphs|resnet20-cifar10|mobilenetv2-cifar10) pictures+=("$folder") ;; esac
done
[ ${#pictures[@]} -eq 0 ] ||
  node "$here/integer.mjs" --halftone "$build/bin/halftone" --modules "$work" --out "$work/integer" "${pictures[@]}"
if [ $# -eq 0 ] && [ -n "${HALFTONE_SHARED:-}" ] && [ -d "$HALFTONE_SHARED/models" ]; then
  node "$here/rewrite.mjs" --halftone "$build/bin/halftone" --modules "$work" --out "$work/rewritten" "$HALFTONE_SHARED/models"
fi

# Control flow and functions, in models that are made here.
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import numpy, onnx' 2>/dev/null; then
    "$python" -B "$here/made_control_flow.py" "$work/control_flow"
    node "$here/control_flow.mjs" --halftone "$build/bin/halftone" --modules "$work" --out "$work/control_flow_out" "$work/control_flow"
    break
  fi
done
[ -d "$work/control_flow" ] || echo "consumer: no Python with numpy and onnx, so that models with control flow are left out"
node "$here/float16.mjs" --halftone "$build/bin/halftone" --modules "$work" --out "$work/float16" "${folders[@]}"

# Types that no platform that ships asks for.
types=()
for file in "$here"/types/*.platform.yaml; do types+=(--platform "$(basename "$file" .platform.yaml)"); done
HALFTONE_PLUGIN_PATH="$here/types" node "$here/check.mjs" --halftone "$build/bin/halftone" --modules "$work" --out "$work/types" \
  "${types[@]}" --limit 100 "$root/examples/glyphs"
