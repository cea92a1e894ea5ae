"""How long it takes from `halftone new pass` to the pass's line in a run's report: each step, on the clock and in processor
time of this process and its children.

    python3 bench/scaffold.py build/bin/halftone [--language c]
"""
import argparse
import os
import pathlib
import subprocess
import tempfile
import time


def processor_time():
    times = os.times()
    return times.children_user + times.children_system


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("halftone", type=pathlib.Path)
    parser.add_argument("--language", default="cpp", choices=["c", "cpp"])
    options = parser.parse_args()
    program = options.halftone.resolve()
    with tempfile.TemporaryDirectory(prefix="halftone-bench-") as folder:
        total = [0.0, 0.0]

        def step(what, *command):
            clock, processor = time.monotonic(), processor_time()
            done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise SystemExit(f"{what} failed:\n{done.stdout}{done.stderr}")
            spent = time.monotonic() - clock, processor_time() - processor
            total[0], total[1] = total[0] + spent[0], total[1] + spent[1]
            print(f"{what:<12}{spent[0]:8.2f} s on the clock{spent[1]:8.2f} s of processor time")
            return done.stdout + done.stderr

        printed = step("new", program, "new", "pass", "my-pass", "--language", options.language)
        for command in printed.split("\nnext:\n")[1].splitlines()[:3]:
            words = command.split()
            step(words[0] if words[0] == "ctest" else "build" if words[1] == "--build" else "configure", *words)
        report = step("run", program, "run", "my-pass/test/quantize.yaml", "--plugin-path", "my-pass/build")
        print(f"{'all':<12}{total[0]:8.2f} s on the clock{total[1]:8.2f} s of processor time")
        print(next(line for line in report.splitlines() if "my-pass" in line))


if __name__ == "__main__":
    main()
