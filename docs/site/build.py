#!/usr/bin/env python3
"""Builds the documentation as a site: the pages of docs/, and a reference made from the program, its plug-ins and the SDK's headers.

    build.py --halftone PROGRAM --out FOLDER [--pages FOLDER]

Needs mkdocs (Debian: mkdocs) and yaml. A link to nothing, or a page in no section of sections.yaml, ends it with a message. --pages
keeps the Markdown that the site is made of.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from header_page import c_page, cpp_page
from schema_page import pipeline_page

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent
ROOT = DOCS.parent
KINDS = {"passes": "pass", "platforms": "platform", "observers": "observer", "readers": "reader", "exporters": "exporter",
         "executors": "executor"}


def output(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


class Pages:
    """The Markdown of the site, and where each page stands."""

    def __init__(self, folder):
        self.folder = folder
        self.generated, self.sdk, self.decisions = [], [], []

    def write(self, name, text):
        path = self.folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return f"{name}.md"


def names_of(table):
    """The first column of what `halftone passes` and the like print, below the head."""
    return [line.split()[0] for line in table.splitlines()[1:] if line and not line[0].isspace()]


def reference(pages, halftone):
    schema = json.loads(output(halftone, "schema"))
    pages.generated.append({"Pipeline file": pages.write("reference/pipeline", pipeline_page(schema))})
    commands = names_of(output(halftone, "help").split("\n\n", 2)[2])
    listed = []
    for name in commands:
        text = f"# halftone {name}\n\n```text\n{output(halftone, name, '--help')}```\n"
        listed.append({name: pages.write(f"reference/commands/{name}", text)})
    pages.generated.append({"Commands": listed})
    for plural, kind in KINDS.items():
        listed = [{name: pages.write(f"reference/{plural}/{name}", output(halftone, "help", kind, name, "--markdown"))}
                  for name in names_of(output(halftone, plural))]
        pages.generated.append({plural.capitalize(): listed})


def headers(pages):
    for title, folder, pattern, page in (("C ABI", "include", "*.h", c_page), ("C++ layer", "cpp", "*.hpp", cpp_page)):
        listed = []
        for header in sorted((ROOT / "sdk" / folder / "halftone").glob(pattern)):
            listed.append({header.name: pages.write(f"sdk/{header.name.replace('.', '_')}", page(header))})
        pages.sdk.append({title: listed})
    for name in ("RULES", "CHANGES"):
        pages.sdk.append(pages.write(f"sdk/{name.lower()}", (ROOT / "sdk" / "abi" / f"{name}.md").read_text(encoding="utf-8")))


# What is no link: fenced and indented code, and code in a line that is no link's label.
LINK_OR_CODE = re.compile(r"^ *```.*?^ *```|^(?: {4}[^\n]*\n)+|"
                          r"\[(?P<label>(?:`[^`\n]*`|[^\[\]`])+)\]\((?P<target>[^)\s]+)\)|`[^`\n]+`", re.M | re.S)


def linked(text, page):
    """Links to headers and to the rules of the ABI lead to their pages; links to other files of the source tree become names."""
    up = "../" * (len(page.relative_to(DOCS).parts) - 1)

    def replaced(match):
        target = match["target"]
        if target is None or target.startswith(("http:", "https:", "#")):
            return match[0]
        there = Path(os.path.normpath(page.parent / target.partition("#")[0]))
        if not there.exists():
            raise SystemExit(f"{page.relative_to(ROOT)}: link to '{target}', which does not exist")
        if there.is_relative_to(DOCS) and there.suffix == ".md":
            return match[0]
        if there.suffix in (".h", ".hpp") and there.is_relative_to(ROOT / "sdk"):
            return f"[{match['label']}]({up}sdk/{there.name.replace('.', '_')}.md)"
        if there.parent == ROOT / "sdk" / "abi" and there.suffix == ".md":
            return f"[{match['label']}]({up}sdk/{there.stem.lower()}.md)"
        name = f"`{there.relative_to(ROOT)}`"
        return name if match["label"].strip("`") in name else f"{match['label']} ({name})"

    return LINK_OR_CODE.sub(replaced, text)


def written_pages(pages):
    for page in sorted(DOCS.rglob("*.md")):
        if page.is_relative_to(HERE):
            continue
        name = str(page.relative_to(DOCS).with_suffix(""))
        pages.write(name, linked(page.read_text(encoding="utf-8"), page))
        if name.startswith("decisions/"):
            pages.decisions.append(f"{name}.md")
    pages.write("index", (HERE / "index.md").read_text(encoding="utf-8"))


def navigation(pages):
    made = {"{generated}": pages.generated, "{sdk}": pages.sdk, "{decisions}": [{"Decisions": pages.decisions}]}
    nav, placed = [{"Home": "index.md"}], set()
    for section in yaml.safe_load((HERE / "sections.yaml").read_text(encoding="utf-8")):
        for title, names in section.items():
            entries = []
            for name in names:
                entries += made[name] if name in made else [f"{name}.md"]
                placed.add(name)
            nav.append({title: entries})
    there = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("*.md")
             if not page.is_relative_to(HERE) and not page.is_relative_to(DOCS / "decisions")}
    if there - placed:
        raise SystemExit(f"in no section of docs/site/sections.yaml: {', '.join(sorted(there - placed))}")
    if placed - there - set(made):
        raise SystemExit(f"docs/site/sections.yaml names pages that are not there: {', '.join(sorted(placed - there - set(made)))}")
    return nav


def build(pages, out):
    config = {"site_name": "Halftone", "docs_dir": str(pages.folder), "site_dir": str(out.resolve()), "nav": navigation(pages),
              "theme": {"name": "readthedocs", "highlightjs": False}, "use_directory_urls": False,
              "markdown_extensions": ["tables", "fenced_code", {"toc": {"permalink": True}}]}
    file = pages.folder.parent / "mkdocs.yml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    done = subprocess.run(["mkdocs", "build", "--strict", "--clean", "--config-file", str(file)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("INFO")]
        raise SystemExit("mkdocs:\n" + "\n".join(told))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pages", type=Path)
    options = parser.parse_args()
    if shutil.which("mkdocs") is None:
        raise SystemExit("mkdocs is not installed; on Debian: apt-get install mkdocs")
    with tempfile.TemporaryDirectory() as work:
        pages = Pages(Path(work) / "pages")
        written_pages(pages)
        reference(pages, options.halftone.resolve())
        headers(pages)
        build(pages, options.out)
        if options.pages:
            shutil.copytree(pages.folder, options.pages, dirs_exist_ok=True)
    print(f"{sum(1 for _ in options.out.rglob('*.html'))} pages in {options.out}")


if __name__ == "__main__":
    sys.exit(main())
