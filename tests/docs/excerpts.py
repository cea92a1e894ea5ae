"""Blocks that quote a file of the tree: every line stands there, in this order."""
import pathlib
import re

LEFT_OUT = re.compile(r"^\s*(//|#|/\*)?\s*\.\.\.\s*(\*/)?\s*$")


def pieces_of(text):
    """The runs of lines between lines that say `...`."""
    pieces = [[]]
    for line in text.splitlines():
        if LEFT_OUT.match(line):
            pieces.append([])
        elif line.strip():
            pieces[-1].append(" ".join(line.split()))
    return [piece for piece in pieces if piece]


def fault_of(block, root: pathlib.Path):
    """What is wrong with a quotation, or nothing. Blank lines and indentation do not count."""
    path = root / block.source
    if not path.is_file():
        return f"there is no file {block.source} to quote"
    lines = [" ".join(line.split()) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    at = 0
    for piece in pieces_of(block.text):
        starts = [i for i in range(at, len(lines) - len(piece) + 1) if lines[i:i + len(piece)] == piece]
        if not starts:
            return f"{block.source} does not have, behind what was quoted before, the lines that begin with '{piece[0]}'"
        at = starts[0] + len(piece)
    return None
