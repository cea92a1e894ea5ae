"""Runs halftone on the example model in a folder of its own."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from test_main import require  # noqa: E402


class Bench:
    """A folder with the program and the example at hand."""

    def __init__(self, options, folder):
        self.halftone, self.glyphs, self.plugins, self.work = options.halftone, options.glyphs, options.plugins, folder / "work"
        self.work.mkdir()
        self.environment = {name: value for name, value in os.environ.items()
                            if name.startswith(("ASAN_", "UBSAN_", "TSAN_", "LSAN_"))}
        self.environment |= {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C",
                             "XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache")}

    def start(self, *args, stderr=subprocess.DEVNULL):
        """Starts the program and does not wait for it."""
        return subprocess.Popen([str(self.halftone), *map(str, args)], cwd=self.work, env=self.environment,
                                stdout=subprocess.DEVNULL, stderr=stderr)

    def stopped(self, condition, *args):
        """Starts the program and stops it where `condition` holds, which is asked only while it stands still. Gives the process, which the
        caller kills or lets go on; one with an exit code came to its end before, as it may on a busy machine."""
        process = self.start(*args)
        deadline = time.monotonic() + 300
        try:
            while True:
                process.send_signal(signal.SIGSTOP)
                if process.returncode is not None:
                    return process
                now = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                if now.si_code != os.CLD_STOPPED:
                    process.wait()
                    return process
                if condition():
                    return process
                require(time.monotonic() < deadline, f"{' '.join(map(str, args))}\ncame neither to what is waited for nor to its end")
                process.send_signal(signal.SIGCONT)
                time.sleep(0.001)
        except BaseException:
            process.kill()
            process.wait()
            raise

    @contextlib.contextmanager
    def caught(self, condition, *args, anew=lambda: None):
        """For a block: a process that is stopped where `condition` holds, and killed in the end where it still runs. `anew` undoes what
        one did that came to its end before it was caught."""
        for _ in range(30):
            process = self.stopped(condition, *args)
            if process.returncode is None:
                break
            require(process.returncode == 0, f"{' '.join(map(str, args))}\nended with {process.returncode}")
            anew()
        require(process.returncode is None, f"{' '.join(map(str, args))}\nalways ended before it could be caught")
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def killed(self, condition, *args, anew=lambda: None):
        """Starts the program and kills it where `condition` holds."""
        with self.caught(condition, *args, anew=anew):
            pass

    def done(self, *args):
        return subprocess.run([str(self.halftone), *map(str, args)], cwd=self.work, env=self.environment, capture_output=True,
                              text=True, timeout=300, check=False)

    def run(self, *args):
        """Runs the program, which must succeed; gives its standard output."""
        done = self.done(*args)
        require(done.returncode == 0, f"{' '.join(map(str, args))}\nended with {done.returncode}: {done.stderr}")
        return done.stdout

    def fails(self, *args):
        """Runs the program, which must fail; gives its standard error."""
        done = self.done(*args)
        require(done.returncode in (1, 2), f"{' '.join(map(str, args))}\nended with {done.returncode}: {done.stderr}")
        return done.stderr

    def quantize(self, name, *args, platform="onnxruntime-int8"):
        """Quantizes the example to NAME.onnx and NAME.json (the configs)."""
        return self.run("quantize", self.glyphs / "model.onnx", "--platform", platform, "--calibration", self.glyphs / "calib",
                        "--preprocess", self.glyphs / "meta.json", "--output", f"{name}.onnx", "--configs-out", f"{name}.json",
                        "--quiet", *args)

    def pipeline(self, name, body, *args, platform="onnxruntime-int8"):
        """Runs a pipeline file of the usual head and this body."""
        self.write_pipeline(name, body, platform)
        return self.run("run", f"{name}.yaml", "--quiet", *args)

    def write_pipeline(self, name, body, platform="onnxruntime-int8"):
        head = [f"halftone: 1", f"model: {self.glyphs}/model.onnx", f"platform: {platform}",
                "calibration:", f"  path: {self.glyphs}/calib/x.npy", f"  preprocess: {self.glyphs}/meta.json"]
        (self.work / f"{name}.yaml").write_text("\n".join(head) + "\n" + body)

    def bytes(self, name):
        return (self.work / name).read_bytes()

    def json(self, name):
        return json.loads((self.work / name).read_text())

    def slots(self, name):
        """Every config of a configs file by operator, direction and number."""
        return {(operation["op"], operation["type"], direction, number): slot
                for operation in self.json(name)["operations"]
                for direction in ("inputs", "outputs")
                for number, slot in enumerate(operation[direction])}

    def files(self):
        return sorted(path.name for path in self.work.iterdir())

    def remove(self, name):
        path = self.work / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


FOLDERS = {"glyphs": "the folder of the example model", "plugins": "the folder of the first-party plug-ins"}
