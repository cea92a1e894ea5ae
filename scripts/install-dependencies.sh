#!/usr/bin/env bash
# Installs the Debian packages that Halftone is built from, those that are missing only.
#   scripts/install-dependencies.sh           what a build needs
#   scripts/install-dependencies.sh --test    also what scripts/test.sh needs
#   scripts/install-dependencies.sh --list    print the names, install nothing
set -euo pipefail

build_packages=(
  g++ cmake ninja-build ccache pkg-config
  libonnx-dev libprotobuf-dev protobuf-compiler # model files
  libdnnl-dev ocl-icd-opencl-dev                # the fast executor; oneDNN's package file names OpenCL
  libtbb-dev                                    # parallel calibration
  libboost-dev libboost-program-options-dev     # command line, loading of plug-ins
  libyaml-cpp-dev nlohmann-json3-dev libfmt-dev # pipeline files, reports
  libhwy-dev libxxhash-dev                      # vector code, digests
  libeigen3-dev                                 # matrices of equalization and rounding; headers only
  libglpk-dev                                   # integer programs of mixed precision
  libjpeg-dev libpng-dev                        # the reader of pictures
  libminizip-dev                                # the reader of .npz archives
)
test_packages=(
  doctest-dev libonnx-testdata
  python3 python3-numpy           # structure checks and comparisons
  python3-jsonschema python3-yaml # what `halftone schema` prints
  mkdocs                          # the documentation as a site
  clang                           # the headers of the SDK, for this system and for others
  git                             # the list of files whose format is checked
)

fail() {
  printf 'install-dependencies: %s\n' "$1" >&2
  exit 1
}

wanted=("${build_packages[@]}")
list_only=false
for argument in "$@"; do
  case "$argument" in
    --test)
      wanted+=("${test_packages[@]}")
      # The formatter's output changes between versions; Debian 13 has no version 14, and the check is left out there.
      if ! command -v clang-format-14 >/dev/null && [ "$(. /etc/os-release 2>/dev/null && echo "${VERSION_ID:-}")" = 12 ]; then
        wanted+=(clang-format-14)
      fi
      command -v node >/dev/null || wanted+=(nodejs)
      command -v npm >/dev/null || wanted+=(npm)
      ;;
    --list) list_only=true ;;
    *) fail "no option '$argument'; there are --test and --list" ;;
  esac
done

if $list_only; then
  printf '%s\n' "${wanted[@]}"
  exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  fail "this system has no apt-get. Install what these Debian packages hold, then build with cmake (docs/building.md):
  ${wanted[*]}"
fi
distribution=$(. /etc/os-release && echo "${ID:-unknown} ${VERSION_ID:-}")
case "$distribution" in
  "debian 12" | "debian 13") ;;
  *) printf 'install-dependencies: this is %s; Debian 12 and 13 are what is tested\n' "$distribution" >&2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "install-dependencies: nothing is missing"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "run this as root, or install sudo; missing: ${missing[*]}"
  as_root=(sudo)
fi
echo "install-dependencies: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq || fail "the package lists could not be fetched; missing: ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
  fail "these packages could not be installed: ${missing[*]}"
