"""`report:` and `--report`: one HTML file about a run. Each function is one test; the first argument names it."""
import html.parser
import pathlib
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from fixtures import npy, npy_bytes  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "section", "table", "tr", "th", "td", "p"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "id", "class"}


class Page(html.parser.HTMLParser):
    """The tables of each section, cell by cell, and every tag that there is."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.sections, self.open, self.title, self.warnings = set(), set(), {}, [], "", []
        self.feed(text)
        require(not self.open, f"never closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        if tag == "section":
            self.rows = self.sections[dict(attributes)["id"]] = []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        require(self.open and self.open.pop() == tag, f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        if self.open and self.open[-1] == "p" and data.startswith("warning: "):
            self.warnings.append(data[len("warning: "):])
        if self.open and self.open[-1] == "title":
            self.title += data


def page(bench, name):
    text = (bench.work / name).read_text(encoding="utf-8")
    parsed = Page(text)
    require(parsed.tags <= TAGS and parsed.attributes <= ATTRIBUTES, f"unexpected: {parsed.tags - TAGS} {parsed.attributes - ATTRIBUTES}")
    style = text[text.index("<style>"):text.index("</style>")]
    require("url(" not in style and "@import" not in style, "the page refers to something outside")
    return parsed


BODY = """evaluate: {path: %s/test/x.npy, labels: %s/test/y.npy}
overrides:
  - match: {op: Gemm}
    set: {inputs: {state: fp32}, outputs: {state: fp32}}
export:
  - path: out.onnx
configs_out: configs.json
report: report.html
"""


def content(bench):
    """What the page says is what the configs, the figures and the files say."""
    bench.pipeline("p", BODY % (bench.glyphs, bench.glyphs), "--json", "figures.json")
    found, figures, slots = page(bench, "report.html"), bench.json("figures.json"), bench.slots("configs.json")
    require("model.onnx" in found.title, found.title)
    rows = {section: {row[0]: row for row in rows if row} for section, rows in found.sections.items()}
    require(any("onnxruntime-int8" in cell for cell in rows["summary"]["platform"]), f"{rows['summary']}")
    require("out.onnx" in rows["summary"]["onnx-qdq"][1], f"{rows['summary']}")
    top1 = f"{100 * figures['top1']:.2f} %"
    require(rows["evaluation"]["quantized top-1"][1].startswith(top1), f"{rows['evaluation']}")
    states = {}
    for slot in slots.values():
        if "bits" in slot:
            states[slot["state"]] = states.get(slot["state"], 0) + 1
    for state, count in states.items():
        shown = rows["configs"][state.lower().replace("_", "-")]
        require(int(shown[1]) == count, f"{state}: {shown}, {count} configs")
    passes = [row[1] for row in found.sections["passes"] if row and row[0].isdigit()]
    run = [step["pass"] for step in figures["steps"]]
    require(passes == run + run, f"{passes}, not twice {run}")
    require(all(name in rows["times"] for name in run), f"{rows['times']}")
    reasons = {op["op"]: op["reason"] for op in bench.json("configs.json")["operations"] if "reason" in op}
    gemm = [row for row in found.sections["operators"] if len(row) == 3 and row[1] == "Gemm"]
    require(len(gemm) == 1 and "override at p.yaml:" in gemm[0][2], f"{gemm}")
    for name, reason in reasons.items():
        require(rows["operators"][name][2] == reason, f"{name}: {rows['operators'].get(name)}")


def same_bytes(bench):
    """Two runs differ in their times only, on any number of threads, and from the command line as from a file."""
    texts = []
    for threads in (1, 3):
        bench.pipeline("p", f"  threads: {threads}\nexport:\n  - path: out.onnx\nreport: report.html\n")
        text = (bench.work / "report.html").read_text()
        texts.append(re.sub(r'<section id="times">.*?</section>', "", text, flags=re.S))
        require(texts[-1] != text and page(bench, "report.html"), "no section of times")
    require(texts[0] == texts[1], "the reports differ")
    bench.run("quantize", bench.glyphs / "model.onnx", "-p", "onnxruntime-int8", "-c", bench.glyphs / "calib/x.npy", "--preprocess",
              bench.glyphs / "meta.json", "-o", "out.onnx", "--report", "again.html", "-q")
    require(page(bench, "again.html").sections["operators"] == page(bench, "report.html").sections["operators"], "another report")


def warnings(bench):
    """What the run warns of on the terminal stands in the report, each once: observers without a range to find, samples that were
    skipped however often they were gone through, accumulators beside the memory budget."""
    bench.pipeline("p", "report: report.html\n")
    require(not page(bench, "report.html").warnings, f"{page(bench, 'report.html').warnings}")
    (bench.work / "small.onnx").write_bytes(onnx.small_net())
    (bench.work / "x").mkdir()
    for i in range(9):
        content = npy_bytes("<f4", (3, 8, 8), struct.pack("<192f", *((i * 7 + j) % 23 / 23 for j in range(192))))
        (bench.work / "x" / f"{i}.npy").write_bytes(content[:40] if i % 4 == 1 else content)
    (bench.work / "many.yaml").write_text("""halftone: 1
model: small.onnx
platform: onnxruntime-int8
calibration: {path: x, on_bad_sample: skip, memory_budget: 2GiB}
passes:
  - assign-configs
  - quantize-simplify
  - quantize-fusion
  - parameter-quantize
  - runtime-calibration
  - runtime-calibration: {override: true}
  - passive-parameter-quantize
  - parameter-baking
overrides:
  - match: {node: "*"}
    set: {outputs: {observer: isotone}}
report: many.html
""")
    done = bench.done("run", "many.yaml", "-q")
    require(done.returncode == 0, done.stderr)
    told = [line.removeprefix("halftone: warning: ") for line in done.stderr.splitlines()]
    shown = page(bench, "many.html").warnings
    require(sorted(set(told)) == shown, f"{shown}, not {told}")
    for text in ("many.yaml:16:20: the observer 'isotone' of this rule has no range to find at 1 of 2 inputs and outputs",
                 "skipped 2 of 9 calibration samples; the first because: ", "accumulators of their own is not part of the memory budget"):
        require(sum(text in warning for warning in shown) == 1, f"'{text}' does not stand once in {shown}")
    require(sum("skipped 2 of 9" in line for line in told) > 1, f"gone through once only: {told}")
    bench.run("quantize", "small.onnx", "-p", "onnxruntime-int8", "-c", "x", "--on-bad-sample", "skip", "-o", "out.onnx", "--report",
              "r.html", "-q")
    shown = page(bench, "r.html").warnings
    require(len(shown) == 1 and shown[0].startswith("skipped 2 of 9 calibration samples; the first because: 'x/1.npy'"), f"{shown}")


def hostile_names(bench):
    """Names of a model are text, whatever they are made of."""
    names = ["</td><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "a&lt;b &amp; 'c'", "]]><!-- ", "tab\there", "\u00e9\u4e2d\U0001f600"]
    nodes, value = [], "x"
    for i, name in enumerate(names):
        nodes.append(onnx.node("Softsign", [value], [f"<v{i}>"], name))
        value = f"<v{i}>"
    nodes.append(onnx.node("Conv", [value, "w"], ["<y>"], "<b>conv</b>"))
    model = bench.work / "<i>&.onnx"
    model.write_bytes(onnx.model(nodes, [onnx.value_info("x", [1, 3, 8, 8])], [onnx.value_info("<y>", [1, 4, 6, 6])],
                                 [onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS)]))
    values = [(i % 17 - 8) / 5 for i in range(2 * 192)]
    npy(bench.work / "x.npy", "<f4", (2, 3, 8, 8), struct.pack(f"<{len(values)}f", *values))
    bench.run("quantize", model.name, "-p", "tensorrt-int8", "-c", "x.npy", "-o", "out.onnx", "--report", "r.html", "--test", "x.npy",
              "-q")
    found = page(bench, "r.html")
    shown = {row[0] for row in found.sections["operators"] if row}
    require(set(names) <= shown, f"missing: {set(names) - shown}")
    require("<i>&.onnx" in found.title, found.title)
    require(any("<y>" in row[0] for row in found.sections["evaluation"]), f"{found.sections['evaluation']}")


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, [content, same_bytes, warnings, hostile_names], Bench, FOLDERS))
