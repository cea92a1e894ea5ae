"""Blocks of C++ and C that quote no file: they compile against the SDK."""
import pathlib
import subprocess
import tempfile

HEADERS = ["halftone/pass.hpp", "halftone/pattern.hpp", "halftone/target.hpp", "halftone/execution.hpp", "halftone/cost.hpp",
           "halftone/artefact.hpp", "halftone/stored_tensor.hpp", "halftone/rewire.hpp"]


def program_of(text):
    """A whole file as it stands; statements inside of a function that a pass would have."""
    includes = [line for line in text.splitlines() if line.startswith("#include")]
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#include"))
    if "class " in body or "namespace" in body:
        return text
    head = [*(f'#include "{header}"' for header in HEADERS), "#include <array>", "#include <string>", *includes]
    return "\n".join([*head, "namespace sdk = halftone::sdk;", "void snippet(const sdk::Context &ctx);",
                      "void snippet(const sdk::Context &ctx) {", body, "}"])


def fault_of(block, sdk: pathlib.Path, compiler):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "block.cpp"
        source.write_text(program_of(block.text))
        done = subprocess.run([compiler, "-std=c++20", "-Wall", "-fsyntax-only", f"-I{sdk}/include", f"-I{sdk}/cpp",
                               str(source)], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"it does not compile:\n{done.stderr}"
