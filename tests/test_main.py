"""What the files of tests in Python share: a failure, a requirement, and the command line that runs tests by name."""
import argparse
import pathlib
import subprocess
import tempfile


class Failure(Exception):
    """What a test expected and did not get."""


def require(condition, text):
    if not condition:
        raise Failure(text)


def run_tests(doc, tests, bench, folders):
    """The command line of a file of tests: runs those that are named, each with a bench in a folder of its own. `folders` are
    options beside the program, by name with what they are. Gives the exit code."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--halftone", type=pathlib.Path, required=True, help="the program")
    for name, what in folders.items():
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True, help=what)
    by_name = {test.__name__: test for test in tests}
    parser.add_argument("tests", nargs="*", choices=[*by_name, []], help="all of them when none is named")
    options = parser.parse_args()
    for name in ("halftone", *folders):
        setattr(options, name, getattr(options, name).resolve())
    failed = 0
    for name in options.tests or by_name:
        with tempfile.TemporaryDirectory(prefix="halftone-test-") as folder:
            try:
                by_name[name](bench(options, pathlib.Path(folder).resolve()))
                print(f"{name}: passed")
            except (Failure, subprocess.TimeoutExpired) as failure:
                failed += 1
                print(f"{name}: FAILED: {failure}")
    return 1 if failed else 0
