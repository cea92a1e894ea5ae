"""Memory does not grow with the number of samples that an iterator gives, nor with what is made and given back."""
import subprocess
import sys
import unittest

from glyphs import GlyphsTest

HEAD = """
import sys
import numpy as np, halftone
from glyphs import MODEL, inputs, quantized
def many(count):
    random = np.random.default_rng(1)
    for _ in range(count):
        yield random.random((3, 32, 32), np.float32)
"""
CALIBRATES = HEAD + """
print(quantized(data=many(int(sys.argv[1])), observer="percentile", threads=2).figures["peak_memory_bytes"])
"""
EVALUATES = HEAD + """
model = halftone.load(MODEL)
print(model.evaluate(many(int(sys.argv[1])), against=model, threads=2)["peak_memory_bytes"])
"""
REPEATS = HEAD + """
import resource
model = halftone.load(MODEL)
for i in range(int(sys.argv[1])):
    with model.edit() as graph:
        weight = graph.nodes[0].inputs[1]
        weight.array = weight.array * np.float32(1.001)
    model.run(inputs(count=4))
    halftone.load(MODEL).configs()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


class Memory(GlyphsTest):
    def peak(self, script, count):
        done = subprocess.run([sys.executable, "-B", "-c", script, str(count)], capture_output=True, text=True, timeout=300,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)

    def check(self, script, few, many):
        """The samples alone would be 12 KiB each."""
        first, last = self.peak(script, few), self.peak(script, many)
        self.assertLess(last, first + (12 << 20), f"{first} bytes for {few}, {last} for {many}")

    def test_calibration(self):
        self.check(CALIBRATES, 64, 6000)

    def test_evaluation(self):
        self.check(EVALUATES, 64, 6000)

    def test_what_is_given_back(self):
        self.check(REPEATS, 20, 300)


if __name__ == "__main__":
    unittest.main()
