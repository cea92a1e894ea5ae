"""Builds the site and looks for what it must have.

    site_test.py --halftone PROGRAM --build BUILD_PY --sdk FOLDER
"""
import argparse
import html.parser
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


class Links(html.parser.HTMLParser):
    """What a page links to, and the places in it that a link can lead to."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.places = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.places.update(value for value in (values.get("id"), values.get("name")) if value)
        if tag == "a" and values.get("href"):
            self.targets.append(values["href"])


def require(condition, text):
    if not condition:
        sys.exit(text)


def build(options, *arguments):
    return subprocess.run([sys.executable, "-B", options.build, "--halftone", options.halftone, *map(str, arguments)],
                          capture_output=True, text=True, check=False)


def check_links(site):
    pages = {page: Links(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}
    broken = []
    for page, links in pages.items():
        for target in links.targets:
            path, _, place = target.partition("#")
            if re.match(r"[a-z]+:|/", path) or page.name == "404.html":
                continue
            there = (page.parent / path).resolve() if path else page
            if not there.exists() or (place and there in pages and place not in pages[there].places):
                broken.append(f"{page.relative_to(site)}: {target}")
    require(not broken, "links to nothing:\n" + "\n".join(broken))


def names(options, *command):
    done = subprocess.run([options.halftone, *command], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in done.stdout.splitlines()[1:] if line.strip()]


def check_pages(options, site):
    for plural in ("passes", "platforms", "observers", "readers", "exporters", "executors"):
        listed = names(options, plural)
        require(listed, f"`halftone {plural}` lists nothing")
        for name in listed:
            require((site / "reference" / plural / f"{name}.html").exists(), f"no page of {plural} {name}")
    for header in [*options.sdk.glob("include/halftone/*.h"), *options.sdk.glob("cpp/halftone/*.hpp")]:
        require((site / "sdk" / f"{header.name.replace('.', '_')}.html").exists(), f"no page of {header.name}")
    tuning = (site / "reference" / "passes" / "round-tuning.html").read_text(encoding="utf-8")
    require("<td><code>damping</code></td>" in tuning, "the page of round-tuning lacks its parameters")
    keys = (site / "reference" / "pipeline.html").read_text(encoding="utf-8")
    require("<td><code>on_bad_sample</code></td>" in keys, "the page of the pipeline file lacks a key")
    abi = (site / "sdk" / "graph_edit_h.html").read_text(encoding="utf-8")
    require('id="ht_graph_edit"' in abi and "unlist_initializer" in abi, "the page of graph_edit.h lacks its table")


def check_refusal(options, work):
    """A page that stands in no section, and a link to nothing, end it."""
    docs = work / "tree" / "docs"
    shutil.copytree(options.build.parent.parent, docs)
    shutil.copytree(options.sdk, work / "tree" / "sdk", symlinks=True)
    for folder in ("core", "examples", "tests"):
        (work / "tree" / folder).symlink_to(options.sdk.parent / folder)
    options.build = docs / "site" / "build.py"
    (docs / "stray.md").write_text("# Stray\n", encoding="utf-8")
    done = build(options, "--out", work / "site2")
    told = "in no section of docs/site/sections.yaml: stray"
    require(done.returncode != 0 and told in done.stderr, f"a stray page passed: {done.stderr}")
    (docs / "stray.md").unlink()
    with open(docs / "types.md", "a", encoding="utf-8") as page:
        page.write("\nSee [nothing](nowhere.md).\n")
    done = build(options, "--out", work / "site3")
    told = "types.md: link to 'nowhere.md', which does not exist"
    require(done.returncode != 0 and told in done.stderr, f"a broken link passed: {done.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("halftone", "build", "sdk"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    options = parser.parse_args()
    for name, path in vars(options).items():
        setattr(options, name, path.resolve())
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder).resolve()
        done = build(options, "--out", work / "site")
        require(done.returncode == 0, done.stderr)
        check_pages(options, work / "site")
        check_links(work / "site")
        check_refusal(options, work)
        print(done.stdout.strip().split(" in ")[0])


if __name__ == "__main__":
    main()
