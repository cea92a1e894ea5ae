"""The checks of the documentation find what is wrong: a page of mistakes has each of them told, and the same page without them
none."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import blocks  # noqa: E402
import commands  # noqa: E402
import excerpts  # noqa: E402
import settings  # noqa: E402
from test_main import Failure, require  # noqa: E402

PAGE = """# A page

<!-- from: source.cpp -->
```cpp
int one() {
  // ...
}
```

- a point, and

      text of the point

A paragraph.

    halftone run x.yaml --nonsense

```yaml
types:
  weight: {bits: 4}
```
"""
SOURCE = "int one() {\n  return 1;\n}\nint two() {\n  return 2;\n}\n"


def found_blocks(root):
    (root / "page.md").write_text(PAGE)
    return blocks.blocks_of(root / "page.md", root)


def quotations(root):
    (root / "source.cpp").write_text(SOURCE)
    block = found_blocks(root)[0]
    require(block.source == "source.cpp" and block.line == 5, f"{block}")
    require(excerpts.fault_of(block, root) is None, "a right quotation is refused")
    for wrong in ("int three() {", "int two() {\n...\nint one() {", "int one() {\n  return 2;"):
        block.text = wrong
        require(excerpts.fault_of(block, root), f"a wrong quotation passes: {wrong}")
    block.source = "absent.cpp"
    require("no file" in excerpts.fault_of(block, root), "a file that is not there can be quoted")


def kinds(root):
    languages = [(block.language, block.text.split()[0]) for block in found_blocks(root)]
    require(languages == [("cpp", "int"), ("", "halftone"), ("yaml", "types:")], f"{languages}")


def consoles(_root):
    steps = commands.steps_of("$ one \\\n  more\nout\n$ two\n")
    require(steps == [["one more", ["out"]], ["two", []]], f"{steps}")
    output = "name      value\nsamples   500\ntime      0.3 s\n"
    require(commands.fault_of_output(["samples 500", "...", "time ... s"], output) is None, "output that is there is missed")
    require(commands.fault_of_output(["samples 501"], output), "output that is not there passes")
    require(commands.fault_of_output(["time ... s", "samples 500"], output), "the order of the output does not count")


def command_lines(_root):
    line, = commands.command_lines_of("halftone quantize MODEL \\\n    [--test PATH] --nonsense=1")
    require(commands.options_of(line) == ("quantize", ["--nonsense", "--test"]), f"{commands.options_of(line)}")
    require(commands.patterns_of("y = Relu(x)\nz = 3") == [], "a line that is no pattern is taken for one")
    require(commands.files_of("bench/a.py --x\nrm bench/a.py") == [], "unknown programs count as known")


def yaml_files(root):
    name, text, arguments = settings.file_for(found_blocks(root)[2])
    require(name == "of-the-docs.platform.yaml" and text.count("types:") >= 1 and "operators:" in text, text)
    require(arguments[:3] == ["help", "platform", "of-the-docs"], f"{arguments}")


def main():
    failed = 0
    for test in (quotations, kinds, consoles, command_lines, yaml_files):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder))
                print(f"{test.__name__}: passed")
            except Failure as failure:
                failed += 1
                print(f"{test.__name__}: FAILED: {failure}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
