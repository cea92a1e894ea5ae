"""What holds for every command and option. Each function is one test; the first argument names it."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402


def empty_texts(bench):
    """An empty text is no value of any option of any command, by its long name or its letter."""
    commands = re.findall(r"^([a-z-]+)  +\w", bench.run("help"), re.MULTILINE)
    require(len(commands) > 15, f"`halftone help` lists {commands}")
    tried = 0
    for command in commands:
        if command == "command":  # the head of the table
            continue
        for letter, name in re.findall(r"^  (?:-(\w) \[ )?--([a-z-]+)(?: \])? [^] ]", bench.run(command, "--help"), re.MULTILINE):
            for option in (f"--{name}", *([f"-{letter}"] if letter else [])):
                told = bench.fails(command, option, "")
                what = re.escape(f"{name} of `halftone {command}` is an empty text; name something, or leave it out")
                require(re.fullmatch(f"halftone: (--|the argument ){what}\n", told), f"{command} {option} '': {told}")
                tried += 1
    require(tried > 100, f"only {tried} options were found")


TESTS = (empty_texts,)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
