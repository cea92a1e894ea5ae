"""Runs halftone as a user who made a mistake would and compares all that the user sees: the whole of standard error, the
exit code, and that no file changed. The cases are cases/*.case; README.md says what is in one."""
import argparse
import difflib
import hashlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import fixtures

SKIPPED = 77
OLD_RESULT = "an older result\n"


def parse_case(path):
    """`key: value` lines; a key with nothing after the colon has a block below it, indented by two spaces."""
    case = {"files": {}, "setup": "", "writes": ""}
    block = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("  "):
            block.append(line[2:])
            continue
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon:
            raise SystemExit(f"{path}:{number}: expected `key: value`")
        block = []
        if key.startswith("file "):
            case["files"][key[5:]] = block
        else:
            case[key] = value.strip() or block
    for key in ("args", "exit", "stderr"):
        if key not in case:
            raise SystemExit(f"{path}: no `{key}:`")
    return case


def snapshot(folder):
    """Every file below a folder with what is in it."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            for path in folder.rglob("*")}


def changed(before, after):
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


class Places:
    """What the placeholders of a case stand for: places that differ from machine to machine."""

    def __init__(self, options, work, home):
        self.names = {"{work}": str(work), "{home}": str(home), "{glyphs}": str(options.glyphs),
                      "{plugins}": str(options.plugins)}

    def fill(self, text):
        for name, value in self.names.items():
            text = text.replace(name, value)
        return text

    def clear(self, text):
        for name, value in self.names.items():
            text = text.replace(value, name)
        # A platform that is edited keeps its cases.
        return re.sub(r"(\.platform\.yaml):\d+:\d+", r"\1:{line}", text)


def environment(home):
    """Nothing of the caller's: no plug-ins of theirs, no cache, no language."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("ASAN_", "UBSAN_", "TSAN_", "LSAN_"))}
    return kept | {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LC_ALL": "C",
                   "XDG_DATA_HOME": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}


def run_case(path, options, temporary):
    """The case as it is, what it should have been, and other faults."""
    case = parse_case(path)
    work, home = temporary / "work", temporary / "home"
    work.mkdir()
    home.mkdir()
    (work / "out.onnx").write_text(OLD_RESULT)
    places = Places(options, work, home)
    for name, lines in case["files"].items():
        (work / name).write_text(places.fill("\n".join(lines) + "\n"))
    wrapper = []
    for name in case["setup"].split():
        wrapper = fixtures.find(name)(work, options.glyphs, options.plugins) or wrapper
    before = snapshot(work)
    args = case["args"] if isinstance(case["args"], str) else " ".join(case["args"])
    done = subprocess.run(wrapper + [str(options.halftone)] + shlex.split(places.fill(args)), cwd=work,
                          env=environment(home), capture_output=True, text=True, timeout=120, check=False)
    faults = []
    if done.returncode != int(case["exit"]):
        faults.append(f"exit code {done.returncode}, expected {case['exit']}")
    if done.returncode != 0 and done.stdout:
        faults.append(f"standard output of a failed run is not empty: {done.stdout[:300]!r}")
    touched = changed(before, snapshot(work))
    if touched != sorted(case["writes"].split()):
        faults.append(f"files that changed: {touched}, expected {sorted(case['writes'].split())}")
    expected = case["stderr"] if isinstance(case["stderr"], list) else [case["stderr"]]
    return expected, places.clear(done.stderr).splitlines(), faults


def bless(path, lines):
    """Writes what was printed into the case: for a person to read before it is kept."""
    head = path.read_text().split("\nstderr:")[0]
    path.write_text(head + "\nstderr:\n" + "".join(f"  {line}\n" for line in lines))


def check(path, options):
    with tempfile.TemporaryDirectory(prefix="halftone-errors-") as temporary:
        try:
            expected, printed, faults = run_case(path, options, pathlib.Path(temporary).resolve())
        except fixtures.Skip as reason:
            print(f"{path.stem}: skipped: {reason}")
            return SKIPPED
    if options.bless:
        bless(path, printed)
    elif expected != printed:
        faults.append("standard error differs:")
        faults += difflib.unified_diff(expected, printed, "expected", "printed", lineterm="", n=9)
    print(f"{path.stem}: {'passed' if not faults else 'FAILED'}")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--halftone", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--glyphs", type=pathlib.Path, required=True, help="the folder of the example model")
    parser.add_argument("--plugins", type=pathlib.Path, required=True, help="the folder of the first-party plug-ins")
    parser.add_argument("--bless", action="store_true", help="write what is printed now into the cases")
    parser.add_argument("cases", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    for name in ("halftone", "glyphs", "plugins"):
        setattr(options, name, getattr(options, name).resolve())
    codes = [check(path, options) for path in options.cases]
    return 1 if 1 in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
