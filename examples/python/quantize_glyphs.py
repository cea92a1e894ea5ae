"""Quantizes the example model from Python, step by step, as one would in a notebook.

    PYTHONPATH=sdk/python HALFTONE_LIBRARY=build/lib python3 examples/python/quantize_glyphs.py [GLYPHS] [OUT]
"""
import json
import pathlib
import sys

import numpy as np

import halftone

here = pathlib.Path(__file__).resolve().parent
glyphs = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "glyphs"
out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path("out/python")
out.mkdir(parents=True, exist_ok=True)

# %% The model, and what its input takes.
model = halftone.load(glyphs / "model.onnx")
print(model)
with model.look() as graph:
    print(f"{len(graph.nodes)} nodes, {sum(value.array.size for value in graph.initializers):,} parameters")
    print(f"input {graph.inputs[0].name}: {graph.inputs[0].dtype} {graph.inputs[0].shape}")

# %% The data. Any iterable of arrays will do: here a generator that preprocesses one picture at a time.
meta = json.loads((glyphs / "meta.json").read_text())
mean, std = (np.array(meta[key], np.float32) for key in ("mean", "std"))


def pictures(folder):
    for picture in np.load(glyphs / folder / "x.npy", mmap_mode="r"):
        yield ((picture * np.float32(meta["scale"]) - mean) / std).transpose(2, 0, 1)


labels = np.load(glyphs / "test" / "y.npy")

# %% Quantize, and compare the two models on the test pictures.
quantized = halftone.quantize(model, pictures("calib"), platform="onnxruntime-int8")
figures = quantized.evaluate(pictures("test"), labels, against=model)
print(f"float top-1 {figures['float_top1']:.2%}")
print(f"int8 top-1  {figures['top1']:.2%}, noise/signal {figures['outputs'][0]['noise_to_signal']:.4f}")

# %% Which activation has the coarsest scale, for the range that it has?
with quantized.look() as graph:
    activations = [config for config in graph.configs if config.state == "activated" and not config.value.is_initializer]
    coarsest = max(activations, key=lambda config: config.scale[0])
    name, node, slot = coarsest.value.name, coarsest.node.name, coarsest.slot
    print(f"coarsest: {name} with scale {coarsest.scale[0]:.4f}, an input or output of {node}")

# %% How far is that value from what it is in float? Inner values can be asked for by name.
few = np.stack(list(pictures("test"))[:16])
simulated, exact = (quantized.run(few, mode, outputs=[name])[name] for mode in ("simulated", "float"))
print(f"largest difference there: {np.abs(exact - simulated).max():.4f}")


# %% A pass of our own: narrower scales for activations with a long tail.
@halftone.register
class Narrow(halftone.Pass):
    """Multiplies the scale of every activation by a factor below one, which cuts off the tail of its values."""

    id = "narrow-activations"
    title = "cut the tails of activations"
    after = ("activations-calibrated",)
    factor = halftone.param(0.9, low=0.1, high=1, doc="of the scale")

    def run(self, ctx, graph):
        narrowed = 0
        for config in graph.configs:
            if config.state == "activated" and not config.value.is_initializer:
                config.set_scale(config.scale * np.float32(self.factor), config.zero_point, rule=f"x {self.factor}")
                narrowed += 1
        ctx.report("narrowed", f"{narrowed} activations")


steps = [step["pass"] for step in halftone.plan(model, pictures("calib"), platform="onnxruntime-int8")["steps"]
         if not step["inserted"]]
position = steps.index("runtime-calibration") + 1
for factor in (1.0, 0.9, 0.7):
    passes = steps[:position] + [{"narrow-activations": {"factor": factor}}] + steps[position:]
    tried = halftone.quantize(model, pictures("calib"), platform="onnxruntime-int8", passes=passes)
    noise = tried.evaluate(pictures("test"), labels, against=model)["outputs"][0]["noise_to_signal"]
    print(f"scales times {factor}: noise/signal {noise:.4f}")

# %% One scale by hand, on the model that there is; then the file for ONNX Runtime.
with quantized.edit() as graph:
    config = graph.node(node).output_config(0) or graph.node(node).input_config(slot)
    if config.scale is not None and config.state == "activated":
        config.set_scale(config.scale * np.float32(0.95), config.zero_point, rule="by hand")
quantized.export(out / "glyphs.int8.onnx")
print("written:", out / "glyphs.int8.onnx")
