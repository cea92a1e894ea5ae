"""Compiles or runs every code block of the documentation.

C++ that quotes a file (a comment `<!-- from: FILE -->` in front of it) has to stand there; other C++ compiles. YAML passes
`halftone run --dry-run` or `halftone help platform`. Consoles run in order, in a folder of their own for each page, and show
what is printed; a command that has to fail says `# fails` behind it. Single command lines have options that exist. exemptions.txt lists what cannot be tried, with the reason."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import blocks  # noqa: E402
import commands  # noqa: E402
import excerpts  # noqa: E402
import settings  # noqa: E402
import sources  # noqa: E402

# Pages whose blocks tests of their own compile and run: python_docs.
ELSEWHERE = ("embedding.md", "python.md")


class Page:
    """One page, with a folder that has the examples and the example model's files at hand."""

    def __init__(self, options, folder):
        self.options, self.folder, self.work = options, folder, folder / "work"
        ignored = shutil.ignore_patterns("build*", "__pycache__", "*.tern*")
        shutil.copytree(options.root / "examples", self.work / "examples", ignore=ignored)
        for entry in (options.root / "examples" / "glyphs").iterdir():
            (self.work / entry.name).symlink_to(self.work / "examples" / "glyphs" / entry.name)
        (self.work / "out").mkdir()
        home = folder / "home"
        home.mkdir()
        if options.prefix:
            (home / "halftone").symlink_to(options.prefix)
        program = pathlib.Path(options.halftone).parent
        (folder / "bin").mkdir()
        (folder / "bin" / "python3").write_text(f'#!/bin/sh\nexec "{options.python}" -B "$@"\n')
        (folder / "bin" / "python3").chmod(0o755)
        self.environment = {"PATH": f"{folder}/bin:{program}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8",
                            "XDG_CACHE_HOME": str(folder / "cache"), "XDG_DATA_HOME": str(folder / "data"),
                            "CXX": options.compiler, "CMAKE_GENERATOR": "Ninja"}
        self.environment |= {name: value for name, value in os.environ.items()
                             if name.startswith(("ASAN_", "UBSAN_", "TSAN_", "LSAN_", "CCACHE_", "CMAKE_CXX_COMPILER_LAUNCHER"))}
        if shutil.which("ccache"):
            self.environment.setdefault("CMAKE_CXX_COMPILER_LAUNCHER", "ccache")
        self.helps = {}

    def shell(self, command):
        return subprocess.run(["bash", "-c", command], cwd=self.work, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=500, check=False)

    def console(self, block):
        for command, shown in commands.steps_of(block.text):
            if command.startswith("cd "):
                self.work = (self.work / command[3:].strip()).resolve()
                continue
            done = self.shell(command)
            if (done.returncode != 0) != command.endswith("# fails"):
                return f"`{command}` ended with {done.returncode}:\n{done.stdout}"
            if (fault := commands.fault_of_output(shown, done.stdout)):
                return f"`{command}`: {fault}"
        return None

    def yaml(self, block):
        name, text, arguments = settings.file_for(block)
        place = self.folder / "work" / name
        place.write_text(text)
        done = subprocess.run([self.options.halftone, *arguments], cwd=place.parent, env=self.environment, capture_output=True,
                              text=True, check=False)
        place.unlink()
        return None if done.returncode == 0 else f"{done.stderr.strip()}\nin\n{text}"

    def command_lines(self, block):
        for line in commands.command_lines_of(block.text):
            command, options = commands.options_of(line)
            if command not in self.helps:
                done = subprocess.run([self.options.halftone, command, "--help"], env=self.environment, capture_output=True,
                                      text=True, check=False)
                self.helps[command] = done.stdout if done.returncode == 0 else None
            if self.helps[command] is None:
                return f"there is no command `halftone {command}`"
            for option in options:
                if option not in self.helps[command]:
                    return f"`halftone {command}` has no option {option}"
        return None

    def patterns(self, texts):
        for text in texts:
            done = subprocess.run([self.options.halftone, "inspect", "model.onnx", "--match", text], cwd=self.folder / "work",
                                  env=self.environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return f"{text}: {done.stderr.strip()}"
        return None

    def fault_of(self, block):
        """What is wrong with a block; False when nothing here can try it."""
        if block.source:
            return excerpts.fault_of(block, self.options.root)
        if block.language in ("cpp", "c"):
            return sources.fault_of(block, self.options.root / "sdk", self.options.compiler)
        if block.language == "yaml" or re.match(r"- [a-z-]+(:|$)", block.text, re.M):
            return self.yaml(block)
        if block.language == "console":
            return self.console(block)
        if commands.command_lines_of(block.text):
            return self.command_lines(block)
        if (texts := commands.patterns_of(block.text)):
            return self.patterns(texts)
        if (named := commands.files_of(block.text)):
            missing = [name for name in named if not (self.options.root / name).is_file()]
            return f"there is no file {missing[0]}" if missing else None
        return False


def exemptions(path):
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, reason = line.rsplit(" | ", 1)
            found[name] = reason
    return found


def check(page, options, exempt):
    faults, tried, used = [], 0, set()
    with tempfile.TemporaryDirectory(prefix="halftone-docs-") as folder:
        bench = Page(options, pathlib.Path(folder).resolve())
        for block in blocks.blocks_of(page, options.root):
            if block.name in exempt:
                used.add(block.name)
                continue
            fault = bench.fault_of(block)
            tried += 1
            if fault is False:
                fault = "nothing can try this block; give its language, or list it in tests/docs/exemptions.txt with the reason"
            if fault:
                faults.append(f"{block.where()}: {fault}")
    return faults, tried, used


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, required=True, help="the source tree")
    parser.add_argument("--halftone", required=True, help="the program")
    parser.add_argument("--prefix", type=pathlib.Path, help="where Halftone is installed, for pages that build against it")
    parser.add_argument("--compiler", default="c++", help="for C++")
    parser.add_argument("--python", default=sys.executable, help="one with NumPy, for what pages call python3")
    parser.add_argument("pages", nargs="*", help="relative to the source tree; all but tutorials when none is named")
    options = parser.parse_args()
    options.root = options.root.resolve()
    options.halftone = str(pathlib.Path(options.halftone).resolve())
    options.prefix = options.prefix.resolve() if options.prefix else None
    exempt = exemptions(pathlib.Path(__file__).resolve().parent / "exemptions.txt")
    pages = [options.root / page for page in options.pages]
    pages = pages or [page for page in blocks.pages_of(options.root) if not page.name.startswith("tutorial-") and page.name not in ELSEWHERE]
    faults, tried, used = [], 0, set()
    for page in pages:
        of_page = check(page, options, exempt)
        faults, tried, used = faults + of_page[0], tried + of_page[1], used | of_page[2]
    names = {str(page.relative_to(options.root)) for page in pages}
    for name in sorted(set(exempt) - used):
        if name.split(": ")[0] in names:
            faults.append(f"exemptions.txt: there is no block '{name}'")
    print("\n".join(faults + [f"{len(pages)} pages, {tried} blocks tried, {len(used)} exempt, {len(faults)} faults"]))
    return 1 if faults or tried == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
