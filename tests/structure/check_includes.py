"""Who may include whom: the dependency direction of the tree, checked line by line."""
import re
import sys
from pathlib import Path

# Folders of the kernel in their strict order: each sees itself and those before it.
CORE = ["base", "model", "quant", "pattern", "host", "calibration", "pipeline", "api", "check", "cli"]
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')
SOURCES = {".h", ".hpp", ".c", ".cpp"}


def faults_of(path: Path, root: Path):
    relative = path.relative_to(root)
    top = relative.parts[0]
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        target = found.group(1)
        where = f"{relative}:{number}: includes {target}"
        first = target.split("/")[0]
        if first == "tests":
            if top != "tests":
                yield f"{where}: nothing but tests may see tests"
        if top == "sdk" and first in {"core", "passes", "executors", "plugins"}:
            yield f"{where}: the SDK depends on nothing in this tree"
        if top == "core":
            if first in {"passes", "executors", "plugins"}:
                yield f"{where}: the kernel does not see plug-ins"
            if first == "halftone" and target.endswith(".hpp"):
                yield f"{where}: the kernel uses the C ABI, not the C++ layer for plug-ins"
            if first == "core" and CORE.index(target.split("/")[1]) > CORE.index(relative.parts[1]):
                yield f"{where}: core/{relative.parts[1]} comes before core/{target.split('/')[1]}"
        if top in {"passes", "executors", "plugins"} and first in {"core", "passes", "executors", "plugins"} and first != top:
            yield f"{where}: a plug-in sees the SDK only"


def main(root: Path) -> int:
    faults, files = [], 0
    for top in ["sdk", "core", "passes", "executors", "plugins", "tests"]:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                files += 1
                faults += faults_of(path, root)
    for fault in faults:
        print(fault)
    print(f"{files} files, {len(faults)} faults")
    return 1 if faults or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
