"""`halftone check-plugin`: every fault is found by the check that is for it, and Halftone's own plug-ins have none."""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from test_main import Failure, require, run_tests  # noqa: E402

# The fault of tests/check/faulty.c, the check that must fail (or warn), and words of its finding. A fault may show in other
# checks, too.
FAULTS = {
    "crash": ("runs", "crashed (SIGSEGV)"), "hang": ("runs", "did not finish within 2 s"),
    "exit": ("runs", "ended the process with exit code 0"), "leak": ("memory", "bytes are left of each instance"),
    "run_leak": ("memory", "bytes are left of each run"), "file_leak": ("memory", "a file is left open"),
    "round": ("surroundings", "the rounding mode"), "folder": ("surroundings", "the working folder was changed to '/'"),
    "signals": ("surroundings", "the handling of SIGINT"), "random": ("determinism", "a second run gives other bits"),
    "cut": ("runs", "the verifier refuses the model that it leaves"), "silent": ("parameters", "said nothing about it"),
    "border": ("parameters", "{level: 10}: crashed (SIGABRT)"), "no_cancel": ("cancel", "Ctrl-C was ignored"),
    "no_doc": ("documentation", "parameter 'level' has no doc"), "thread": ("threads", "a thread is left running"),
    "show": ("symbols", "'shown_to_all'"), "bad_size": ("descriptor", "no multiple of 8"),
    "shared": ("threads", "beside another instance it gives other bits"), "unsafe": ("threads", "crashed (SIGABRT)"),
}
# Those that are given little time; the others may need more on a busy machine.
HANGS = {"hang", "hangs", "run_hangs"}
# Those that only show where malloc is the system's own.
MALLOC = {"leak", "run_leak", "run_leaks"}
# Of tests/hostile: what they do when they run, as in FAULTS. The others there have nothing that a check could find: they are
# good, or newer, or only the second of two files.
HOSTILE_RUNS = {
    "export_crashes": ("runs", "crashed (SIGSEGV)"), "read_crashes": ("runs", "crashed (SIGSEGV)"),
    "run_aborts": ("runs", "crashed (SIGABRT)"), "run_breaks_graph": ("runs", "the verifier refuses the model that it leaves"),
    "run_crashes": ("runs", "crashed (SIGSEGV)"),
    "run_denormals": ("surroundings", "flushing of denormal numbers to zero was switched"),
    "run_differs": ("determinism", "a second run gives other bits"),
    "run_exits": ("runs", "ended the process with exit code 0"),
    "run_folder": ("surroundings", "the working folder was changed to '/'"),
    "run_garbles": ("runs", "failed with status 10 and said nothing about it"), "run_hangs": ("runs", "did not finish within 2 s"),
    "run_leaks": ("memory", "bytes are left of each run"), "run_locale": ("surroundings", "the locale was changed"),
    "run_nan_scale": ("runs", "is not finite and positive"), "run_on_data": ("runs", "saw 6 samples"),
    "run_rounding": ("surroundings", "the rounding mode"),
    "run_scribbles": ("surroundings", "wrote into stored tensors that it was lent to read"),
    "run_thread_rounding": ("surroundings", "the rounding mode"),
    "run_throws": ("runs", "let an exception cross the plug-in boundary"),
    "run_wrong_thread": ("runs", "from a thread of its own"),
    "throws_in_create": ("runs", "let an exception cross the plug-in boundary"),
}
# Refused, and told in words of their own: a warning, as a plug-in may mean it.
HOSTILE_REFUSED = {"run_stale_handle": "handle", "run_without_capability": "ht.graph_edit/1 is not there",
                   "run_wrong_sizes": "handle"}
# Of tests/hostile: they do not even load, in words of the host.
HOSTILE = {"aborts": "crashed (SIGABRT)", "crashes": "crashed (SIGSEGV)", "exits": "ended the process with exit code 0",
           "crashes_in_init": "crashed (SIGSEGV)", "bad_default": "its default 9", "duplicate_inside": "offers two components",
           "missing_slot": "slot 'run' is null", "missing_symbol": "exports no ht_plugin_entry",
           "needs_newer_host": "needs a host with plug-in ABI", "null_strings": "title is null",
           "undeclared_capability": "does not declare the capability", "unknown_service": "ht.telepathy/1",
           "wrong_major": "the major versions differ", "wrong_size": "its description has 16 bytes",
           "hangs": "did not finish within 2 s"}


def limit(fault):
    return 2 if fault in HANGS else 60


class Bench:
    def __init__(self, options, work):
        self.program, self.build, self.plugins, self.work = options.halftone, options.build, options.plugins, work

    def check(self, file, *more, code=None):
        """The results by check, and what was printed."""
        report = self.work / "report.json"
        report.unlink(missing_ok=True)
        environment = os.environ | {"HOME": str(self.work), "XDG_CACHE_HOME": str(self.work)}
        done = subprocess.run([str(self.program), "check-plugin", str(file), "--json", str(report), *map(str, more)],
                              cwd=self.work, text=True, capture_output=True, timeout=1200, check=False, env=environment)
        if code is not None and done.returncode != code:
            raise Failure(f"{file} ended with {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
        left = {path.name for path in self.work.iterdir()} - {"report.json", "halftone", "mine.platform.yaml"}
        require(not left, f"left behind: {left}")
        return {result["check"]: result for result in json.loads(report.read_text())["checks"]}, done.stdout + done.stderr

    def faulty(self, fault):
        return self.build / "tests" / "check" / f"faulty_{fault}.so"


def faults(bench):
    sanitized = bool(os.environ.get("HALFTONE_SANITIZE"))
    results, printed = bench.check(bench.faulty("none"), code=0)
    require(all(result["verdict"] == "passed" for result in results.values()), printed)
    for fault, (check, words) in FAULTS.items():
        if sanitized and fault in MALLOC:
            continue
        results, printed = bench.check(bench.faulty(fault), "--timeout", limit(fault), "--only", check, code=1)
        findings = results[check]["findings"]
        require(results[check]["verdict"] == "FAILED", f"{fault}: check {check} says {results[check]['verdict']}\n{printed}")
        require(any(words in finding["text"] for finding in findings), f"{fault}: no finding says '{words}'\n{printed}")
        require(all(finding["remedy"] for finding in findings), f"{fault}: a finding without remedy\n{printed}")
        print(f"{fault}: {check}: {findings[0]['text']}")
    results, printed = bench.check(bench.faulty("print"), "--only", "runs", code=0)
    require(results["runs"]["verdict"] == "warned" and "'working hard'" in printed, printed)
    # One that crashes whenever it runs is checked to the end all the same.
    results, printed = bench.check(bench.faulty("crash"), code=1)
    require(results["documentation"]["verdict"] == "passed" and results["runs"]["verdict"] == "FAILED", printed)


def hostile(bench):
    for name, words in HOSTILE.items():
        results, printed = bench.check(bench.build / "tests" / "hostile" / f"{name}.so", "--timeout", limit(name), code=1)
        require(results["load"]["verdict"] == "FAILED", printed)
        require(words in results["load"]["findings"][0]["text"], f"{name}: no finding says '{words}'\n{printed}")
        require(all(result["verdict"] == "not made" for check, result in results.items() if check != "load"), printed)


def hostile_runs(bench):
    sanitized = bool(os.environ.get("HALFTONE_SANITIZE"))
    folder = bench.build / "tests" / "hostile"
    for name, (check, words) in HOSTILE_RUNS.items():
        if sanitized and name in MALLOC:
            continue
        results, printed = bench.check(folder / f"{name}.so", "--timeout", limit(name), "--only", check, code=1)
        require(results[check]["verdict"] == "FAILED", f"{name}: check {check} says {results[check]['verdict']}\n{printed}")
        require(words in printed, f"{name}: no finding says '{words}'\n{printed}")
    for name, words in HOSTILE_REFUSED.items():
        results, printed = bench.check(folder / f"{name}.so", "--only", "runs", code=0)
        require(results["runs"]["verdict"] == "warned" and words in printed, f"{name}: no warning says '{words}'\n{printed}")
    tried = {*HOSTILE, *HOSTILE_RUNS, *HOSTILE_REFUSED, "also_good", "good", "duplicate_of_good", "newer_minor"}
    there = {path.stem for path in folder.glob("*.so")}
    require(there == tried, f"neither tried nor left out with a reason: {there ^ tried}")


# Plug-ins of which nothing runs to its end by itself.
NOTHING_RUNS = {"ht_passes_mixed_precision.so": "it needs a budget, and the table that measured-sensitivity leaves"}


def first_party(bench):
    files = sorted(bench.plugins.glob("*.so")) + sorted(bench.plugins.glob("*.platform.yaml"))
    require(len(files) > 10, f"only {len(files)} plug-ins in {bench.plugins}")
    for file in files:
        results, printed = bench.check(file, "--timeout", 300, code=0)  # it is not about time, and other tests run beside it
        failed = [check for check, result in results.items() if result["verdict"] == "FAILED"]
        require(not failed, f"{file.name}: {failed}\n{printed}")
        runs = results["runs"].get("runs", {"done": 0, "refused": 0})
        print(f"{file.name}: {runs['done']} of {runs['done'] + runs['refused']} runs to their end, "
              f"{sum(result['steps'] for result in results.values())} steps")
        require((runs["done"] > 0) != (file.name in NOTHING_RUNS), f"{file.name}: {runs['done']} runs\n{printed}")


def seeds(bench):
    """The same seed makes the same steps, another one other values."""
    def printed(seed):
        return bench.check(bench.plugins / "ht_observers.so", "--seed", seed, "--only", "parameters", code=0)[0]
    require(printed(3) == printed(3), "the same seed gives other results")


def one_check(bench):
    results, printed = bench.check(bench.faulty("none"), "--set", "faulty.lvel=3", "--set", "other.level=3", code=1)
    require("parameter 'lvel', which pass 'faulty'" in printed and "component 'other'" in printed, printed)
    bench.check(bench.faulty("none"), "--set", "faulty.level=3", "--only", "runs", code=0)
    results, _ = bench.check(bench.faulty("leak"), "--only", "documentation", code=0)
    require(list(results) == ["documentation"], f"other checks were made: {list(results)}")


def platform_file(bench):
    text = (bench.plugins / "tensorrt-int8.platform.yaml").read_text().replace("id: tensorrt-int8", "id: mine")
    file = bench.work / "mine.platform.yaml"
    file.write_text(text)
    bench.check(file, code=0)
    file.write_text(text.replace("bits: 8", "bits: 80", 1))
    results, printed = bench.check(file, code=1)
    require("bits" in results["load"]["findings"][0]["text"], printed)
    file.write_text(text.replace("- constant-folding", "- constant-unfolding"))
    results, printed = bench.check(file, code=1)
    require("constant-unfolding" in printed, printed)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, [faults, hostile, hostile_runs, first_party, seeds, one_check, platform_file], Bench,
                       {"build": "the build tree", "plugins": "Halftone's own plug-ins"}))
