"""The code blocks of docs/python.md and docs/embedding.md do what they say."""
import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import numpy as np

from glyphs import GLYPHS, MODEL, GlyphsTest, labels, samples

DOCS = pathlib.Path(os.environ["HALFTONE_ABI"]).parent.parent / "docs"


def blocks(name, language):
    """The code of a page, with lines where they are in the page, so that errors name them."""
    text = (DOCS / name).read_text()
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.S | re.M):
        yield "\n" * text.count("\n", 0, found.start(1)) + found.group(1)


class Docs(GlyphsTest):
    def setUp(self):
        super().setUp()
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.work)
        shutil.copy(MODEL, "model.onnx")
        np.save("x.npy", samples("test", 96))
        np.save("y.npy", labels("test", 96))

    def test_python(self):
        names, count = {}, 0
        with contextlib.redirect_stdout(io.StringIO()):
            for code in blocks("python.md", "python"):
                exec(compile(code, str(DOCS / "python.md"), "exec"), names)
                count += 1
        self.assertEqual(count, 10)
        self.assertTrue(pathlib.Path("model.int8.onnx").exists())
        self.assertEqual(names["scores"].shape, (8, 36))
        self.assertIn("factor", next(step for step in names["wide"].figures["steps"]
                                     if step["pass"] == "widen-activations")["reported"])

    @unittest.skipUnless(os.environ.get("HALFTONE_CC"), "no C compiler is named")
    def test_c(self):
        pathlib.Path("page.c").write_text("".join(code.lstrip("\n") + "\n" for code in blocks("embedding.md", "c")))
        library = pathlib.Path(os.environ["HALFTONE_LIBRARY"])
        subprocess.run([os.environ["HALFTONE_CC"], "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I",
                        DOCS.parent / "sdk" / "include", "page.c", library, f"-Wl,-rpath,{library.parent}", "-o", "page"],
                       check=True)
        told = subprocess.run(["./page"], check=True, capture_output=True, text=True)
        self.assertIn("output 0 begins with", told.stdout)
        self.assertEqual(told.stderr, "")
        self.assertTrue(pathlib.Path("program.onnx").exists() and pathlib.Path("edited.onnx").exists())


if __name__ == "__main__":
    unittest.main()
