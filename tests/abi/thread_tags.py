"""Every function of the ABI says from which threads it is called: rule 16.

    thread_tags.py FOLDER_WITH_HEADERS

The tag stands in the comment right before the function or behind it on its line, or one for all stands in the comment before the struct
or at the head of the file: "All functions are [run]". Ends with 1 and the functions that have none.
"""
import pathlib
import re
import sys

TAG = r"\[(load|run|worker|any)\]"
FOR_ALL = re.compile(rf"All (functions are )?{TAG}", re.S)
FUNCTION = re.compile(r"\(HT_CALL \*(\w+)\)\(")


def comment_before(text, at):
    """The comment that ends right before the statement at `at`; empty when there is none."""
    start = max(text.rfind(";", 0, at), text.rfind("{", 0, at), text.rfind("*/", 0, at) + 1) + 1
    before = text[:start].rstrip()
    return before[before.rfind("/*"):] if before.endswith("*/") else ""


def untagged(header):
    text = header.read_text(encoding="utf-8")
    head = re.sub(r"\s*\n \* ?", " ", text[:text.index("*/")])
    if FOR_ALL.search(head):
        return []
    found = []
    for match in FUNCTION.finditer(text):
        line_end = text.index("\n", text.index(";", match.end()))
        behind = text[text.index(";", match.end()):line_end]
        struct = text.rfind("typedef struct", 0, match.start())
        above = re.sub(r"\s*\n \* ?", " ", comment_before(text, struct)) if struct >= 0 else ""
        # A callback type that is no field of a struct has its comment before the typedef.
        if not (re.search(TAG, comment_before(text, match.start())) or re.search(TAG, behind) or FOR_ALL.search(above)):
            found.append(f"{header.name}: {match[1]}")
    return found


def main():
    headers = sorted(pathlib.Path(sys.argv[1]).glob("*.h"))
    if not headers:
        sys.exit(f"no headers in {sys.argv[1]}")
    found = [name for header in headers for name in untagged(header)]
    if found:
        sys.exit("functions without a thread tag:\n  " + "\n  ".join(found))


if __name__ == "__main__":
    main()
