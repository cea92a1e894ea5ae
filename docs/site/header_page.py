"""Headers of the SDK as pages: their comments as text, their declarations as they stand."""

import re

LEFT_OUT = re.compile(r"^(#ifndef HALFTONE_\w+_H|#define HALFTONE_\w+_H|#endif|HT_EXTERN_C_(BEGIN|END)|#pragma once|#include .*)$")


def comment_text(comment):
    lines = [re.sub(r"^\s*(/\*+|\*/|\*|//) ?", "", line).replace("*/", "").rstrip() for line in comment.splitlines()]
    return "\n".join(lines).strip()


def title_and_text(text):
    """The first sentence as a title, without its full stop; the rest below it."""
    match = re.match(r"(.+?)\.(?=\s|$)(.*)", text, re.S)
    if not match:
        return text, ""
    return " ".join(match[1].split()), match[2].strip()


def block(lines):
    code = "\n".join(lines).strip("\n")
    return ["```c", code, "```", ""] if code else []


def c_page(header):
    source = header.read_text(encoding="utf-8")
    intro, rest = re.match(r"\s*(/\*.*?\*/)(.*)", source, re.S).groups()
    title, text = title_and_text(comment_text(intro))
    lines = [f"# {header.name}", "", f"*{title}*", "", text, "", f"`#include <halftone/{header.name}>`", ""]
    rest = "\n".join(line for line in rest.splitlines() if not LEFT_OUT.match(line))
    # A struct, or a callback, with the comment right before it; what lies between as it stands.
    pattern = re.compile(r"((?:/\*(?:(?!\*/).)*\*/\n)?)(typedef struct (\w+) \{.*?^\} \3;|typedef [^;{]*\(HT_CALL \*(\w+)\)[^;]*;)",
                         re.S | re.M)
    at = 0
    for match in pattern.finditer(rest):
        lines += block(rest[at:match.start()].splitlines())
        lines += [f"## `{match[3] or match[4]}`", ""]
        if match[1]:
            lines += [comment_text(match[1]), ""]
        lines += block(match[2].splitlines())
        at = match.end()
    lines += block(rest[at:].splitlines())
    return "\n".join(lines)


def cpp_page(header):
    source = header.read_text(encoding="utf-8")
    intro = re.match(r"(//.*\n)+", source)
    title, text = title_and_text(comment_text(intro[0]))
    if text and "\n  " in text:  # an example that the comment gives
        text = f"```cpp\n{text}\n```"
    code = "\n".join(line for line in source[intro.end():].splitlines() if not LEFT_OUT.match(line))
    return "\n".join([f"# {header.name}", "", f"*{title}*", "", text, "", f"`#include <halftone/{header.name}>`", "",
                      "```cpp", code.strip("\n"), "```", ""])
