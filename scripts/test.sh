#!/usr/bin/env bash
# Everything that must hold before a change lands. Stages:
#   build      Release, warnings as errors, into build-test/
#   ctest      every test of the tree
#   sanitize   the unit tests under the address and undefined-behaviour sanitizers, into build-asan/
#   format     clang-format 14 has nothing to change
#   consumer   exported files give the same results in ONNX Runtime
# Stages that run only where HALFTONE_STAGES names them:
#   hostile-asan   the plug-ins that misbehave, at every level of trust, under the address and undefined-behaviour
#                  sanitizers (build-hostile/)
#   hostile-tsan   the same under the thread sanitizer (build-tsan/)
#   apart          every source compiled alone, without optimization, warnings as errors (build-apart/): the other stages
#                  compile sources in groups, which hides an include that is missing
# All stages run even after one failed; the exit code is 1 if any did.
#   HALFTONE_SHARED    folder with models and reference values for the larger tests (default: ../shared; said when absent)
#   HALFTONE_JOBS      parallel jobs (default: the number of cores)
#   HALFTONE_INSTALL   `no` leaves the packages of the system alone
#   HALFTONE_STAGES    stages to run instead of all, for instance "build ctest"
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

jobs=${HALFTONE_JOBS:-$(nproc)}
stages=${HALFTONE_STAGES:-build ctest sanitize format consumer}
export HALFTONE_SHARED=${HALFTONE_SHARED:-$root/../shared}
export CTEST_OUTPUT_ON_FAILURE=1
# So that a compiler cache, where there is one, knows this tree again in another folder.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=1

[ "${HALFTONE_INSTALL:-yes}" = no ] || scripts/install-dependencies.sh --test

if [ -d "$HALFTONE_SHARED" ]; then
  HALFTONE_SHARED=$(cd "$HALFTONE_SHARED" && pwd)
  echo "shared models: $HALFTONE_SHARED"
else
  echo "shared models: none at $HALFTONE_SHARED; tests on them are skipped (set HALFTONE_SHARED)"
  unset HALFTONE_SHARED
fi

stage_build() {
  cmake -S . -B build-test -G Ninja -DCMAKE_BUILD_TYPE=Release -DHALFTONE_WERROR=ON -DHALFTONE_UNITY=ON -DHALFTONE_BUILD_TESTS=ON &&
    cmake --build build-test -j "$jobs"
}

stage_ctest() {
  ctest --test-dir build-test --parallel "$jobs" --output-on-failure --no-tests=error
}

# Leak detection stops the process and looks at it from outside, which some containers forbid.
leak_detection() {
  local probe=build-asan/leak-probe
  printf 'int main() { return 0; }\n' >"$probe.cpp"
  c++ -fsanitize=address "$probe.cpp" -o "$probe" && ASAN_OPTIONS=detect_leaks=1 "$probe" >/dev/null 2>&1
}

# configure_sanitized FOLDER SANITIZERS LEVEL: what runs for long is worth optimising, unit tests are not.
configure_sanitized() {
  cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=$3 -g1" \
    "-DCMAKE_C_FLAGS_RELWITHDEBINFO=$3 -g1" "-DHALFTONE_SANITIZE=$2" -DHALFTONE_UNITY=ON -DHALFTONE_BUILD_TESTS=ON
}

ubsan_options="print_stacktrace=1:halt_on_error=1:suppressions=$root/tests/sanitize/ubsan.supp"

stage_sanitize() {
  configure_sanitized build-asan address,undefined -O0 || return 1
  local targets leaks=1
  mapfile -t targets < <(ctest --test-dir build-asan -N -R '^unit_' | sed -n 's/^ *Test *#[0-9]*: *//p')
  [ ${#targets[@]} -gt 0 ] || { echo "no unit tests found" && return 1; }
  cmake --build build-asan -j "$jobs" --target "${targets[@]}" || return 1
  if ! leak_detection; then
    leaks=0
    echo "leak detection is off: this system does not let a process be traced"
  fi
  ASAN_OPTIONS="detect_leaks=$leaks:strict_string_checks=1:detect_stack_use_after_return=1" \
    UBSAN_OPTIONS="$ubsan_options" \
    ctest --test-dir build-asan -R '^unit_' --parallel "$jobs" --output-on-failure --no-tests=error
}

# Without leak detection: one plug-in leaks on purpose, and what another one ends does not free anything.
stage_hostile-asan() {
  configure_sanitized build-hostile address,undefined -O1 && cmake --build build-hostile -j "$jobs" --target hostile || return 1
  ASAN_OPTIONS="detect_leaks=0:strict_string_checks=1:detect_stack_use_after_return=1" UBSAN_OPTIONS="$ubsan_options" \
    ctest --test-dir build-hostile -R '^hostile_' --parallel "$jobs" --output-on-failure --no-tests=error
}

stage_apart() {
  cmake -S . -B build-apart -G Ninja -DCMAKE_BUILD_TYPE=Debug -DHALFTONE_WERROR=ON -DHALFTONE_BUILD_TESTS=ON \
    -DHALFTONE_BUILD_BENCH=ON && cmake --build build-apart -j "$jobs"
}

stage_hostile-tsan() {
  configure_sanitized build-tsan thread -O1 && cmake --build build-tsan -j "$jobs" --target hostile || return 1
  TSAN_OPTIONS="halt_on_error=1:suppressions=$root/tests/sanitize/tsan.supp" \
    ctest --test-dir build-tsan -R '^hostile_' --output-on-failure --no-tests=error
}

stage_format() {
  local tool files
  tool=$(command -v clang-format-14 || command -v clang-format || true)
  if [ -z "$tool" ] || [[ "$("$tool" --version)" != *"version 14."* ]]; then
    echo "clang-format 14 is not installed; the format is not checked"
    return 3
  fi
  if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    echo "not a git work tree; the format is not checked"
    return 3
  fi
  mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.c' '*.h' '*.cpp' '*.hpp')
  [ ${#files[@]} -gt 0 ] || { echo "no C or C++ files found" && return 1; }
  local wrong=0
  printf '%s\0' "${files[@]}" | xargs -0 -n 32 -P "$jobs" "$tool" --dry-run -Werror --ferror-limit=1 || wrong=1
  [ "$wrong" -eq 0 ] && echo "${#files[@]} files are formatted"
  return "$wrong"
}

stage_consumer() {
  tests/acceptance/consumer/run.sh build-test
  tests/acceptance/operators/run.sh build-test
}

# A stage returns 0 passed, 3 skipped, anything else failed.
names=() results=() passed=0 failed=0 skipped=0
for stage in $stages; do
  declare -F "stage_$stage" >/dev/null || { echo "test.sh: no stage '$stage'" >&2 && exit 2; }
  printf '\n==== %s\n' "$stage"
  start=$SECONDS
  code=0
  # A subshell without `set -e`: whether a stage stops at a failure is for the stage to say.
  (set +e; "stage_$stage") || code=$?
  case $code in
    0) result=passed passed=$((passed + 1)) ;;
    3) result=skipped skipped=$((skipped + 1)) ;;
    *) result=FAILED failed=$((failed + 1)) ;;
  esac
  names+=("$stage")
  results+=("$result ($((SECONDS - start)) s)")
done

printf '\n==== summary\n'
for i in "${!names[@]}"; do printf '%-14s%s\n' "${names[$i]}" "${results[$i]}"; done
printf 'stages: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
