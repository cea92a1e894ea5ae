"""The code blocks of a page of Markdown."""
import dataclasses
import pathlib
import re


@dataclasses.dataclass
class Block:
    page: str        # "docs/patterns.md"
    line: int        # of its first line of text
    language: str    # of the fence; "" for an indented block
    source: str      # the file that a comment in front of it names; "" without
    text: str

    @property
    def name(self):
        """How an exemption names it: its page and its first line of text."""
        return f"{self.page}: {self.text.strip().splitlines()[0].strip()}" if self.text.strip() else self.page

    def where(self):
        return f"{self.page}:{self.line}"


FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\s*$")
SOURCE = re.compile(r"^\s*<!-- from: (?P<file>\S+) -->\s*$")


def undented(lines):
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:].rstrip() for line in lines)


def blocks_of(path: pathlib.Path, root: pathlib.Path):
    """Fenced blocks, and those that are indented by four spaces behind an empty line."""
    page, lines, found = str(path.relative_to(root)), path.read_text(encoding="utf-8").splitlines(), []
    at, source, in_list = 0, "", False
    while at < len(lines):
        line = lines[at]
        if (comment := SOURCE.match(line)):
            source = comment["file"]
        elif (fence := FENCE.match(line)):
            end = at + 1
            while end < len(lines) and not (FENCE.match(lines[end]) and lines[end].strip() == "```"):
                end += 1
            found.append(Block(page, at + 2, fence["language"], source, undented(lines[at + 1:end])))
            at, source = end, ""
        elif line.startswith("    ") and not in_list and (at == 0 or not lines[at - 1].strip()):
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            found.append(Block(page, at + 1, "", "", undented(lines[at:end]).strip("\n")))
            at = end - 1
        elif line.strip():
            # What is indented below a point of a list belongs to its text.
            in_list = bool(re.match(r"^\s*([-*]|\d+\.) ", line)) or (in_list and line.startswith(" "))
            source = ""
        at += 1
    return found


def pages_of(root: pathlib.Path):
    """Every page that people read for instructions; decisions are records of what was."""
    pages = [*root.glob("docs/*.md"), *root.glob("docs/passes/*.md"), *root.glob("examples/*/*.md")]
    return sorted(pages)
