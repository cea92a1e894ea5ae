"""Blocks of commands: consoles are run line by line, and of single command lines each option is one that there is."""
import re
import shlex


def steps_of(text):
    """Commands with the output that is shown below each. A command ends where its line does not end with a backslash."""
    steps = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append([line[2:], []])
        elif steps and steps[-1][0].endswith("\\") and not steps[-1][1]:
            steps[-1][0] = steps[-1][0][:-1] + line.strip()
        elif steps:
            steps[-1][1].append(line)
    return steps


def pattern_of(line):
    """A shown line as a regular expression: `...` stands for anything, columns may be wider."""
    parts = [r"\s+".join(re.escape(word) for word in part.split()) for part in line.split("...")]
    return r"\s*" + r".*?".join(parts)


def fault_of_output(shown, output):
    """The first line that the output does not have, behind those before it."""
    at = 0
    for line in shown:
        if not line.strip() or line.strip() == "...":
            continue
        match = re.compile(pattern_of(line), re.M).search(output, at)
        if not match:
            return f"the output does not have '{line.strip()}' where it is shown:\n{output}"
        at = match.end()
    return None


def command_lines_of(text):
    """Every line of a block that calls halftone, joined where it goes on below."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line.removeprefix("$ ") for line in joined.splitlines() if re.match(r"(\$ )?halftone [a-z]", line)]


def options_of(line):
    """The command and the long options of a line, which may be a usage with brackets."""
    words = re.findall(r"[^\s\[\]|]+", line.split(" #")[0]) if "[" in line else shlex.split(line, comments=True)
    return words[1], sorted({word.split("=")[0] for word in words if word.startswith("--")})


PATTERN = re.compile(r"[\w, ]+ = .*\(.*\)")


def patterns_of(text):
    """The lines of a block in which every line is a pattern of operators."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines if lines and all(PATTERN.match(line) for line in lines) else []


def files_of(text):
    """Programs of this tree that a block calls by their paths; cmake and what follows from it stand beside them."""
    joined = re.sub(r"\\\n\s*", " ", text)
    words = [re.sub(r"^(\$ |\w+=\S+ )*", "", line).split()[:2] for line in joined.splitlines() if line.strip()]
    known = [word for line in words for word in line if re.fullmatch(r"(scripts|bench|tests|examples)/[\w./-]+", word)]
    others = all(line[0] in ("cmake", "python3") or line[0].startswith(("build/", *known)) for line in words)
    return known if known and others else []
