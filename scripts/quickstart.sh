#!/usr/bin/env bash
# From a fresh clone to a quantized model: installs what is missing, builds into build/, quantizes examples/glyphs twice (the
# naive way and with the default pipeline of a platform) and prints what each costs. The result is build/glyphs.int8.onnx.
#   HALFTONE_PLATFORM   the platform of the second run (default: onnxruntime-int8)
#   HALFTONE_INSTALL    `no` leaves the packages of the system alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

platform=${HALFTONE_PLATFORM:-onnxruntime-int8}
example=examples/glyphs

[ "${HALFTONE_INSTALL:-yes}" = no ] || scripts/install-dependencies.sh
mkdir -p build
if ! cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DHALFTONE_UNITY=ON -DHALFTONE_BUILD_TESTS=OFF \
  >build/configure.log 2>&1; then
  cat build/configure.log
  exit 1
fi
cmake --build build

# quantize NAME OUT OPTIONS...: one run on the example, its figures in build/glyphs.NAME.json.
quantize() {
  local name=$1 out=$2
  shift 2
  build/bin/halftone quantize "$example/model.onnx" "$@" \
    --calibration "$example/calib/x.npy" --preprocess "$example/meta.json" \
    --test "$example/test/x.npy" --labels "$example/test/y.npy" \
    --json "build/glyphs.$name.json" -o "$out" --quiet
}

# figure NAME KEY: a number of a run; the file has one key a line.
figure() {
  awk -v key="\"$2\":" '$1 == key { sub(/,$/, "", $2); print $2; exit }' "build/glyphs.$1.json"
}

# row LABEL KEY FORMAT SCALE: the same figure of both runs.
row() {
  awk -v label="$1" -v a="$(figure naive "$2")" -v b="$(figure default "$2")" -v format="$3" -v scale="$4" \
    'BEGIN { printf "%-22s%18s%18s\n", label, sprintf(format, a * scale), sprintf(format, b * scale) }'
}

quantize naive build/glyphs.naive.onnx --preset naive --platform naive-int8
quantize default build/glyphs.int8.onnx --platform "$platform"

decibels() { awk -v n="$(figure "$1" noise_to_signal)" 'BEGIN { printf "%.1f dB", -10 * log(n + 1e-30) / log(10) }'; }

printf '\n%-22s%18s%18s\n' "examples/glyphs" naive "$platform"
row 'float top-1' float_top1 '%.2f %%' 100
row 'int8 top-1' top1 '%.2f %%' 100
row 'agrees with float' agreement '%.2f %%' 100
printf '%-22s%18s%18s\n' 'signal/noise' "$(decibels naive)" "$(decibels default)"
row 'float file' float_bytes '%.1f KiB' 0.0009765625
row 'int8 file' quantized_bytes '%.1f KiB' 0.0009765625
row 'time' seconds '%.2f s' 1
row 'peak memory' peak_memory_bytes '%.1f MiB' 0.00000095367431640625
printf '\nwritten: build/glyphs.int8.onnx (Q/DQ form; any ONNX runtime of opset 13 or newer reads it)\n'
printf 'next:    build/bin/halftone help\n'
