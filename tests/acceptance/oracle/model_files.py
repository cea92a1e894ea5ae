"""Finds the models and samples that the comparisons run on."""

import os
from pathlib import Path

# Where the oracle's runs departed from "model.onnx, every calibration picture".
CALIBRATION_LIMIT = {"resnet20-cifar10": 256, "mobilenetv2-cifar10": 256}
MODEL_FILE = {"resnet20-cifar10": "model_bn_unfused.onnx"}


def shared_folder(given):
    folder = Path(given or os.environ.get("HALFTONE_SHARED") or Path(__file__).resolve().parents[4] / "shared")
    if not (folder / "oracle").is_dir() or not (folder / "models").is_dir():
        raise SystemExit(f"no models and reference values in '{folder}'; give --shared or set HALFTONE_SHARED")
    return folder


def resolve_link(path):
    """A checkout without symbolic links leaves the link's text in place of the file: follow it."""
    for _ in range(4):
        if path.stat().st_size > 512:
            return path
        content = path.read_bytes()
        if content.startswith(b"\x93NUMPY"):
            return path
        path = (path.parent / content.decode().strip()).resolve()
    raise SystemExit(f"{path}: too many links")


def data_settings(shared, model):
    """The keys `model` and `calibration` of a pipeline file: the model and its data as the oracle used them."""
    folder = (shared / "models" / model).resolve()
    calibration = {
        "path": str(resolve_link(folder / "calib" / "x.npy")),
        "preprocess": str(folder / "meta.json"),
        "limit": CALIBRATION_LIMIT.get(model, 0),
    }
    return {"model": str(folder / MODEL_FILE.get(model, "model.onnx")), "calibration": calibration}


def data_arguments(shared, model):
    """The same as arguments of `halftone quantize`."""
    settings = data_settings(shared, model)
    calibration = settings["calibration"]
    arguments = [settings["model"], "--calibration", calibration["path"], "--preprocess", calibration["preprocess"]]
    if calibration["limit"]:
        arguments += ["--limit", str(calibration["limit"])]
    return arguments


def test_arguments(shared, model):
    folder = shared / "models" / model / "test"
    arguments = ["--test", str(resolve_link(folder / "x.npy"))]
    if (folder / "y.npy").exists():
        arguments += ["--labels", str(resolve_link(folder / "y.npy"))]
    return arguments
