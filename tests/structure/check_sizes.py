"""Files stay small: half of them at most 150 lines, nine in ten at most 400, none above 600."""
import sys
from pathlib import Path

SOURCES = {".h", ".hpp", ".c", ".cpp"}
HARD, MOST, MEDIAN = 600, 400, 150


def main(root: Path) -> int:
    sizes = []
    for top in ["sdk", "core", "passes", "executors", "plugins"]:
        for path in (root / top).rglob("*"):
            if path.suffix in SOURCES and path.is_file():
                sizes.append((sum(1 for _ in path.open(encoding="utf-8")), path.relative_to(root)))
    sizes.sort(reverse=True)
    lines = [size for size, _ in sizes]
    median, most = lines[len(lines) // 2], lines[len(lines) // 10]
    print(f"{len(lines)} files, median {median} lines, nine in ten at most {most}, longest {lines[0]} ({sizes[0][1]})")
    for size, path in sizes:
        if size > HARD:
            print(f"{path}: {size} lines, more than {HARD}")
    return 0 if lines and lines[0] <= HARD and most <= MOST and median <= MEDIAN else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
