"""What PPQ was run with, and the same for Halftone: platforms, variants of its pipeline, batches, and known differences."""

# PPQ averages percentiles over its batches.
BATCH = {"resnet20-cifar10": 32, "mobilenetv2-cifar10": 32, "squeezenet-imagenet": 7, "mobilenetv1-025-imagenet": 7,
         "rfb320-face": 1}

# OPENVINO_INT8 gives exactly the values of TRT_INT8 and has no files of its own.
PLATFORMS = {"TRT_INT8": "ppq-trt-int8", "PPL_DSP_INT8": "ppq-ppl-dsp-int8", "PPL_CUDA_INT8": "ppq-ppl-cuda-int8",
             "ONNXRUNTIME": "ppq-onnxruntime", "NCNN_INT8": "ppq-ncnn-int8", "NXP_INT8": "ppq-nxp-int8",
             "FPGA_INT8": "ppq-fpga-int8"}

# The platforms that ship and PPQ's for the same runtime; they differ on purpose.
OWN = {"tensorrt-int8": "TRT_INT8", "openvino-int8": "TRT_INT8", "onnxruntime-int8": "ONNXRUNTIME"}

# Properties of types that differ on purpose: (platform there, property) and why.
KNOWN = {
    ("NXP_INT8", "qmin"): "PPQ gives a bias of 30 bits the range of 31",
    ("NXP_INT8", "qmax"): "PPQ gives a bias of 30 bits the range of 31",
    ("FPGA_INT8", "qmax"): "PPQ's largest code of a bias does not fit its 30 bits",
}

SIMPLIFY = {"quantize-simplify": {"share": False}}
OFFSET_BY_ONE = "a percentile lies within one bin, and the zero point is rounded from it"
METHODS = {"large": "to_large", "output": "to_output", "none": "none"}


def pass_list(model, alignment):
    """The preset ppq-compat with this model's batch size. `alignment`: parameters, or None for no alignment."""
    passes = ["constant-folding", "remove-identity", "fold-batch-norm", "fuse-bias-add", "remove-dead-code",
              {"dispatch": {"ppq_paths": True}}, "assign-configs", "quantize-fusion", SIMPLIFY, "parameter-quantize",
              {"runtime-calibration": {"calibrate_on": "quantized_weights", "group": BATCH.get(model, 32)}}]
    if alignment is not None:
        passes.append({"quant-alignment": {"ppq_range": True, "ppq_reach": True, **alignment}})
    return passes + [{"passive-parameter-quantize": {"repair_overflow": False}}, "parameter-baking"]


def variant_passes(model, variant):
    """The passes of a variant's name in the files of the oracle, or None for one that another pass makes."""
    if variant == "":
        return pass_list(model, {})
    if variant in ("fusion_off", "align_off"):
        passes = pass_list(model, None)
        return [p for p in passes if p not in ("quantize-fusion", SIMPLIFY)] if variant == "fusion_off" else passes
    kind, _, rest = variant.partition("_")
    method, _, overlap = rest.partition(".overlap_")
    if kind not in ("elementwise", "concat") or method not in METHODS or overlap not in ("true", "false"):
        return None
    return pass_list(model, {kind: METHODS[method], "force_overlap": overlap == "true"})


def runs_of(folder, observers, platforms):
    """(platform there, observer, variant, file) of a model's stored configs, in the order of names."""
    for file in sorted(folder.glob("*.json")):
        platform, _, rest = file.name[: -len(".json")].partition(".")
        observer, _, variant = rest.partition(".")
        if platform in platforms and observer in observers and variant_passes(folder.name, variant) is not None:
            yield platform, observer, variant, file
