"""Blocks of YAML: a whole file, or keys of one, is given to `halftone` in a file that has what is missing."""
import re
import textwrap

PIPELINE = {"halftone": "1", "model": "model.onnx", "platform": "onnxruntime-int8",
            "calibration": "{path: calib/x.npy, preprocess: meta.json}"}
PLATFORM = {"halftone-platform": "1", "id": "of-the-docs", "types": "{activation: {}, weight: {}, narrow: {bits: 6}}",
            "operators": "[{types: [Conv], computing: true}]"}
PLATFORM_KEYS = {"types", "operators", "fusion", "alignment", "settings", "variants", "cost", "integer", "options", "title", "doc"}


def sections_of(text):
    """Top-level keys with their text, in order."""
    found = {}
    for match in re.finditer(r"^(?P<key>[\w-]+):(?P<rest>.*(?:\n(?:[ \t#].*|\s*))*)", text, re.M):
        found[match["key"]] = match["rest"].strip("\n")
    return found


def completed(text, usual):
    sections = sections_of(text)
    missing = {key: value for key, value in usual.items() if key not in sections}
    return "".join(f"{key}: {value}\n" for key, value in missing.items()) + text + "\n"


def file_for(block):
    """The name of a file, its text, and the arguments that check it."""
    text = re.sub(r"^\s*- \.\.\.\s*$", "", textwrap.dedent(block.text), flags=re.M)  # what is left out of a list
    if text.lstrip().startswith("- "):  # rules of a list: of passes or of overrides
        key = "overrides" if "match:" in text else "passes"
        text = f"{key}:\n" + textwrap.indent(text, "  ")
    keys = set(sections_of(text))
    if "halftone-platform" in keys or (keys and keys <= PLATFORM_KEYS):
        text = completed(text, PLATFORM)
        name = re.search(r"^id: *(\S+)", text, re.M)[1]
        return f"{name}.platform.yaml", text, ["help", "platform", name, "--plugin-path", "."]
    return "block.yaml", completed(text, PIPELINE), ["run", "--dry-run", "block.yaml"]
