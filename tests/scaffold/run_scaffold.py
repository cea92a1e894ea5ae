"""`halftone new` from end to end, as an author would: new, build against the SDK, ctest, list. One test for each kind and
language, from the build tree; and all of them from an installation."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from test_main import Failure, require, run_tests  # noqa: E402

LISTS = {"pass": "passes", "platform": "platforms", "observer": "observers", "exporter": "exporters",
         "executor": "executors", "reader": "readers", "op-kernels": "plugins", "op-gradients": "plugins"}
SECONDS = 60  # of processor time, from the command to the line in the list
MOST_LINES = 30  # of the smallest useful pass


class Bench:
    def __init__(self, options, work):
        self.program, self.work, self.build = options.halftone, work, options.build

    def run(self, *arguments, **more):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("HALFTONE_PLUGIN_PATH", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
        done = subprocess.run([str(a) for a in arguments], cwd=self.work, text=True, capture_output=True, timeout=300,
                              check=False, env=environment | {"HOME": str(self.work / "home")})
        if done.returncode != more.get("code", 0):
            raise Failure(f"{' '.join(map(str, arguments))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def new(self, kind, language, name, *more):
        language = ["--language", language] if language else []
        (self.work / "home").mkdir(exist_ok=True)
        return self.run(self.program, "new", kind, name, *language, *more)

    def commands(self, printed):
        """The three commands that `halftone new` prints."""
        lines = [line.strip() for line in printed.split("\nnext:\n")[1].splitlines()[:3]]
        require(lines[0].startswith("cmake -S ") and lines[2].startswith("ctest "), f"unexpected commands: {lines}")
        # Warnings of the template are errors here, and a sanitized program needs sanitized plug-ins.
        sanitize = os.environ.get("HALFTONE_SANITIZE")
        flags = "-Werror" + (f" -fsanitize={sanitize}" if sanitize else "")
        lines[0] += f" '-DCMAKE_C_FLAGS={flags}' '-DCMAKE_CXX_FLAGS={flags}'"
        return lines


def processor_time():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def from_new_to_list(bench, kind, language):
    name = f"my-{kind}"
    before, clock = processor_time(), time.monotonic()
    printed = bench.new(kind, language, name)
    for command in bench.commands(printed):
        output = bench.run("sh", "-ec", command)
    require("100% tests passed" in output, output)
    listed = bench.run(bench.program, LISTS[kind], "--plugin-path", bench.work / name / "build")
    require(re.search(f"^(com.example.)?{name} ", listed, re.M), f"`halftone {LISTS[kind]}` does not list {name}:\n{listed}")
    spent = processor_time() - before
    print(f"{kind} {language or 'as data'}: {spent:.1f} s of processor time, {time.monotonic() - clock:.1f} s on the clock")
    require(spent < SECONDS, f"it took {spent:.1f} s of processor time, more than {SECONDS}")
    built = next(path for path in (bench.work / name / "build").iterdir() if path.name.endswith((".so", ".platform.yaml")))
    checked = bench.run(bench.program, "check-plugin", built,
                        *(["--set", f"{name}.shape=3x8x8"] if kind == "reader" else []))
    require(" 0 of 11 checks failed, 0 warned" in checked, checked)
    left = {path.name for path in bench.work.iterdir()} - {name, "home"}
    require(not left, f"left behind: {left}")
    text = "".join(path.read_text() for path in (bench.work / name).glob("*.*") if path.is_file())
    for placeholder in ("template-name", "template_name", "TemplateName", "TEMPLATE_"):
        require(placeholder not in text, f"a file still says {placeholder}")


def test_of(kind, language):
    def test(bench):
        from_new_to_list(bench, kind, language)
    test.__name__ = (f"{kind}_{language}" if language else kind).replace("-", "_")
    return test


def lines_of_pass(bench):
    """The smallest useful pass counts operators, sets configs, has a parameter, and is short."""
    bench.new("pass", "cpp", "short")
    text = (bench.work / "short" / "short.cpp").read_text()
    code = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("//")]
    print(f"{len(code)} lines of code")
    for word in ("ctx.report(", "set_state(", "d.params."):
        require(word in text, f"the pass has no {word}")
    require(len(code) <= MOST_LINES, f"{len(code)} lines of code, more than {MOST_LINES}")


def names(bench):
    """Names that are words of the languages or of the templates still build."""
    for kind, name in (("pass", "pass"), ("observer", "extremes"), ("exporter", "int"), ("executor", "step"),
                       ("reader", "lines"), ("reader", "x2-y")):
        printed = bench.new(kind, "cpp", name, "--output", f"{kind}-{name}", "--namespace", "org.someone")
        for command in bench.commands(printed):
            output = bench.run("sh", "-ec", command)
        require("100% tests passed" in output, output)
        require("org.someone." + name in bench.run(bench.program, "plugins", "--plugin-path", f"{kind}-{name}/build"),
                f"{name}: the plug-in's id does not begin with the namespace")


def odd_folder(bench):
    """A folder whose name a shell would take apart, given with a slash at its end."""
    printed = bench.new("platform", None, "odd", "--output", "it's a folder/")
    for command in bench.commands(printed):
        output = bench.run("sh", "-ec", command)
    require("100% tests passed" in output, output)


def no_room(bench):
    """A folder that cannot be written leaves nothing behind."""
    full = bench.work / "full"
    full.mkdir()
    script = (f"mount -t tmpfs -o size=12k none '{full}' && cd '{full}' && '{bench.program}' new pass mine; code=$?; "
              f"ls -A '{full}'; exit $code")
    try:
        said = bench.run("unshare", "--map-root-user", "--mount", "sh", "-c", script, code=1)
    except Failure as failure:
        if "No space left" in str(failure) or "no space left" in str(failure):
            raise
        print(f"skipped: no small file system here: {failure}")
        return
    require("no space left" in said, said)
    require(not said.splitlines()[-1].startswith((".halftone", "mine")), f"left behind:\n{said}")


def installed(bench):
    """All kinds and languages from an installation, with nothing of this tree in sight."""
    prefix = bench.work / "prefix"
    bench.run("cmake", "--install", bench.build, "--prefix", prefix)
    program = next(prefix.rglob("bin/halftone"))
    moved = bench.work / "moved"  # an installation may be moved
    prefix.rename(moved)
    bench.program = moved / program.relative_to(prefix)
    for kind, language in CASES:
        name = f"my-{kind}-{language or 'data'}"
        printed = bench.new(kind, language, name)
        require(str(moved) in printed and str(bench.build) not in printed, f"the commands do not name {moved}: {printed}")
        for command in bench.commands(printed):
            output = bench.run("sh", "-ec", command)
        require("100% tests passed" in output, output)
    shutil.rmtree(moved)


CASES = [("pass", "cpp"), ("pass", "c"), ("observer", "cpp"), ("observer", "c"), ("exporter", "cpp"), ("exporter", "c"),
         ("executor", "cpp"), ("executor", "c"), ("reader", "cpp"), ("reader", "c"), ("op-kernels", "cpp"), ("op-kernels", "c"),
         ("op-gradients", "cpp"), ("op-gradients", "c"),
         ("platform", None), ("platform", "cpp"), ("platform", "c")]


if __name__ == "__main__":
    TESTS = [test_of(*case) for case in CASES] + [lines_of_pass, names, odd_folder, no_room, installed]
    sys.exit(run_tests(__doc__, TESTS, Bench, {"build": "the build tree"}))
