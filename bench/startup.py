#!/usr/bin/env python3
"""Times `halftone passes`: the start of the program up to its first useful work, with every plug-in loaded.

    startup.py --halftone BIN [--runs N]

Three rows: everything warm; without the record of plug-ins that were probed before (each is then loaded in a child process first);
and without the pages of the program, its plug-ins and their libraries in the system's file cache. Prints median and largest wall
time. Pages that another process has mapped stay in memory, so the last row tells what a machine with other work to do shows.
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


def seconds_of(command, cache):
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False, env={**os.environ, "XDG_CACHE_HOME": str(cache)})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}")
    return time.perf_counter() - start


def files_of(program):
    """The plug-ins of a program, and all the files that running it reads."""
    listed = subprocess.run([str(program), "plugins"], stdout=subprocess.PIPE, text=True, check=True).stdout
    plugins = {Path(word) for word in listed.split() if word.endswith(".so") and Path(word).exists()}
    return plugins, {program, *plugins}.union(*(libraries_of(file) for file in {program, *plugins}))


def measure(program, runs):
    """Wall times of `halftone passes` by what was cold."""
    command = [str(program), "passes"]
    files = files_of(program)[1]
    rows = {"warm": [], "plug-ins not probed before": [], "files not in memory": []}
    with tempfile.TemporaryDirectory() as cache:
        seconds_of(command, cache)
        for _ in range(runs):
            rows["warm"].append(seconds_of(command, cache))
            with tempfile.TemporaryDirectory() as empty:
                rows["plug-ins not probed before"].append(seconds_of(command, empty))
            drop_pages(files)
            rows["files not in memory"].append(seconds_of(command, cache))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    program = options.halftone.resolve()
    rows = measure(program, options.runs)
    plugins, files = files_of(program)
    print(f"halftone passes, {len(plugins)} plug-ins, {len(files)} files, {options.runs} runs")
    for name, seconds in rows.items():
        print(f"{name:<30}{1000 * statistics.median(seconds):8.1f} ms median{1000 * max(seconds):8.1f} ms largest")


if __name__ == "__main__":
    main()
