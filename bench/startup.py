#!/usr/bin/env python3
"""Times `halftone passes`: the start of the program up to its first useful work, with every plug-in loaded.

    startup.py --halftone BIN [--runs N] [--foreign N]

Rows: everything warm; with foreign plug-ins (12 unless given, made here) that were tried before; with the same that were not, so
that one child process loads them first; and without the pages of the program, its plug-ins and their libraries in the system's file
cache. Prints least, median and largest wall time. Pages that another process has mapped stay in memory, so the last row tells what a
machine with other work to do shows. Needs a C compiler (CC, cc).
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path


def libraries_of(file):
    """The shared libraries that a program or plug-in is linked to."""
    lines = subprocess.run(["ldd", str(file)], stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()
    return {Path(word) for line in lines for word in line.split() if word.startswith("/")}


def drop_pages(files):
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fdatasync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


# A pass that does nothing, as plain as a plug-in can be.
FOREIGN = """
#include <halftone/halftone.h>
static ht_status create(const ht_host *host, ht_ctx *ctx, const ht_value *args, uint64_t count, void **instance) {
  (void)host, (void)ctx, (void)args, (void)count;
  *instance = 0;
  return HT_OK;
}
static void destroy(void *instance) { (void)instance; }
static ht_status run(void *instance, ht_ctx *ctx) { (void)instance, (void)ctx; return HT_OK; }
static const ht_pass table = {sizeof(ht_pass), 0, run};
static const ht_role role = {sizeof(ht_role), 0, HT_PASS_1, &table};
static const ht_role *const roles[] = {&role};
static const ht_component component = {.struct_size = sizeof(ht_component), .kind = HT_KIND_PASS, .id = "foreign-NUMBER",
  .version = "1.0", .title = "Does nothing", .doc = "", .determinism = HT_DETERMINISM_EXACT, .roles = roles, .role_count = 1,
  .threading = HT_THREADING_INSTANCE, .create = create, .destroy = destroy};
static const ht_component *const components[] = {&component};
const ht_plugin ht_plugin_entry = {.struct_size = sizeof(ht_plugin), .abi_major = HT_ABI_MAJOR, .abi_minor = HT_ABI_MINOR,
  .id = "bench.foreign-NUMBER", .version = "1.0", .license = "", .build = "", .components = components, .component_count = 1};
"""


def make_foreign(folder, count):
    include = Path(__file__).resolve().parent.parent / "sdk" / "include"
    for number in range(count):
        subprocess.run([os.environ.get("CC", "cc"), "-xc", "-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{include}", "-",
                        "-o", str(folder / f"foreign_{number}.so")], input=FOREIGN.replace("NUMBER", str(number)), text=True, check=True)


def seconds_of(command, cache, plugins=None):
    variables = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    variables.pop("HALFTONE_PLUGIN_PATH", None)
    if plugins:
        variables["HALFTONE_PLUGIN_PATH"] = str(plugins)
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False, env=variables)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}")
    return time.perf_counter() - start


def files_of(program):
    """The plug-ins of a program, and all the files that running it reads."""
    listed = subprocess.run([str(program), "plugins"], stdout=subprocess.PIPE, text=True, check=True).stdout
    plugins = {Path(word) for word in listed.split() if word.endswith(".so") and Path(word).exists()}
    return plugins, {program, *plugins}.union(*(libraries_of(file) for file in {program, *plugins}))


def measure(program, runs, foreign):
    """Wall times of `halftone passes` by what was cold."""
    command = [str(program), "passes"]
    files = files_of(program)[1]
    rows = {"warm": [], f"{foreign} foreign plug-ins": [], "the same, not tried before": [], "files not in memory": []}
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as plugins:
        make_foreign(Path(plugins), foreign)
        seconds_of(command, cache, plugins)
        for _ in range(runs):
            rows["warm"].append(seconds_of(command, cache))
            rows[f"{foreign} foreign plug-ins"].append(seconds_of(command, cache, plugins))
            with tempfile.TemporaryDirectory() as empty:
                rows["the same, not tried before"].append(seconds_of(command, empty, plugins))
            drop_pages(files)
            rows["files not in memory"].append(seconds_of(command, cache))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--foreign", type=int, default=12)
    options = parser.parse_args()
    program = options.halftone.resolve()
    rows = measure(program, options.runs, options.foreign)
    plugins, files = files_of(program)
    print(f"halftone passes, {len(plugins)} plug-ins, {len(files)} files, {options.runs} runs")
    for name, seconds in rows.items():
        least, middle, most = (1000 * figure(seconds) for figure in (min, statistics.median, max))
        print(f"{name:<30}{least:8.1f} ms least{middle:8.1f} ms median{most:8.1f} ms largest")


if __name__ == "__main__":
    main()
