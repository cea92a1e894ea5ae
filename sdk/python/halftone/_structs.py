"""The C structs of halftone/*.h as ctypes sees them; tests/python compares them with the golden table of the ABI."""
from __future__ import annotations

import ctypes as c

u32, u64, i32, i64, f32, f64, ptr, text = (c.c_uint32, c.c_uint64, c.c_int32, c.c_int64, c.c_float, c.c_double,
                                           c.c_void_p, c.c_char_p)
status = c.c_int32
handle = c.c_uint64


def function(*arguments, result=status):
    return c.CFUNCTYPE(result, *arguments)


class Flat(c.Structure):
    """A struct that never grows."""


class Sized(c.Structure):
    """A struct that tells its size in its first field."""

    def __init__(self, **fields):
        super().__init__(**fields)
        self.struct_size = c.sizeof(type(self))


class Str(Flat):
    _fields_ = [("data", ptr), ("size", u64)]

    def __str__(self) -> str:
        return c.string_at(self.data, self.size).decode("utf-8", "replace") if self.size else ""


class Strs(Flat):
    _fields_ = [("data", c.POINTER(Str)), ("size", u64)]


class Handles(Flat):
    _fields_ = [("data", c.POINTER(handle)), ("size", u64)]


class I64s(Flat):
    _fields_ = [("data", c.POINTER(i64)), ("size", u64)]


class Value(Flat):
    _fields_ = [("kind", u32), ("count", u32), ("data", ptr), ("reserved", u64 * 2)]


class Param(Sized):
    _fields_ = [("struct_size", u32), ("kind", u32), ("flags", u32), ("reserved", u32), ("name", text), ("doc", text),
                ("unit", text), ("deflt", Value), ("low", Value), ("high", Value), ("choices", Value), ("since", text),
                ("replaced_by", text)]


class TensorView(Sized):
    _fields_ = [("struct_size", u32), ("dtype", u32), ("rank", u32), ("flags", u32), ("shape", c.POINTER(i64)),
                ("strides", c.POINTER(i64)), ("data", ptr), ("block_axis", u32), ("block_size", u32),
                ("reserved", u64 * 2)]


class TensorInfo(Sized):
    _fields_ = [("struct_size", u32), ("dtype", u32), ("rank", u32), ("known_rank", u32), ("shape", i64 * 16)]


class Host(Sized):
    _fields_ = [("struct_size", u32), ("abi_major", u32), ("abi_minor", u32), ("flags", u32), ("name", text),
                ("version", text), ("service", function(ptr, text, result=ptr)),
                ("log", function(ptr, u32, c.POINTER(Str), result=None)),
                ("fail", function(ptr, status, c.POINTER(Str), handle))]


class Role(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32), ("id", text), ("table", ptr)]


class Component(Sized):
    _fields_ = [("struct_size", u32), ("kind", u32), ("determinism", u32), ("threading", u32), ("capabilities", u64),
                ("id", text), ("version", text), ("title", text), ("doc", text), ("params", c.POINTER(Param)),
                ("param_count", u64), ("needs", c.POINTER(text)), ("need_count", u64), ("after", c.POINTER(text)),
                ("after_count", u64), ("provides", c.POINTER(text)), ("provide_count", u64),
                ("invalidates", c.POINTER(text)), ("invalidate_count", u64), ("roles", c.POINTER(c.POINTER(Role))),
                ("role_count", u64),
                ("create", function(c.POINTER(Host), ptr, c.POINTER(Value), u64, c.POINTER(ptr))),
                ("destroy", function(ptr, result=None))]


class Plugin(Sized):
    _fields_ = [("struct_size", u32), ("abi_major", u32), ("abi_minor", u32), ("needs_host_minor", u32), ("id", text),
                ("version", text), ("license", text), ("build", text),
                ("components", c.POINTER(c.POINTER(Component))), ("component_count", u64),
                ("init", function(c.POINTER(Host))), ("deinit", function(result=None))]


class PassRole(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32), ("run", function(ptr, ptr))]


class NodeInfo(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32), ("graph", handle), ("name", Str), ("op_type", Str),
                ("domain", Str), ("opset", i64), ("inputs", Handles), ("outputs", Handles)]


class ValueInfo(Sized):
    _fields_ = [("struct_size", u32), ("flags", u32), ("graph", handle), ("name", Str), ("producer", handle),
                ("producer_slot", u32), ("consumer_count", u32), ("type", TensorInfo)]


class Use(Flat):
    _fields_ = [("node", handle), ("slot", u32), ("reserved", u32)]


class Uses(Flat):
    _fields_ = [("data", c.POINTER(Use)), ("size", u64)]


class Attr(Sized):
    _fields_ = [("struct_size", u32), ("kind", u32), ("name", Str), ("i", i64), ("f", f64), ("s", Str),
                ("t", TensorView), ("graph", handle), ("ints", I64s), ("floats", c.POINTER(f32)), ("float_count", u64),
                ("strings", Strs), ("graphs", Handles)]


class QuantSpec(Sized):
    _fields_ = [("struct_size", u32), ("kind", u32), ("bits", u32), ("is_signed", u32), ("quant_min", i64),
                ("quant_max", i64), ("symmetry", u32), ("granularity", u32), ("axis", i32), ("block_size", i32),
                ("scale_form", u32), ("span", u32), ("rounding", u32), ("dynamic", u32), ("visibility", u32),
                ("reserved", u32), ("reserved2", u64 * 2)]


class ConfigInfo(Sized):
    _fields_ = [("struct_size", u32), ("state", u32), ("node", handle), ("direction", u32), ("slot", u32),
                ("spec", QuantSpec), ("root", handle), ("master", handle), ("observer", Str), ("scale_count", u64),
                ("scales", c.POINTER(f32)), ("zero_points", c.POINTER(i32))]


_out = c.POINTER(handle)
_name = c.POINTER(Str)


class GraphTable(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32), ("main_graph", function(ptr, _out)),
                ("graphs", function(ptr, c.POINTER(Handles))), ("nodes", function(ptr, handle, c.POINTER(Handles))),
                ("values", function(ptr, handle, c.POINTER(Handles))),
                ("inputs", function(ptr, handle, c.POINTER(Handles))),
                ("outputs", function(ptr, handle, c.POINTER(Handles))),
                ("node_infos", function(ptr, _out, u64, c.POINTER(NodeInfo))),
                ("value_infos", function(ptr, _out, u64, c.POINTER(ValueInfo))),
                ("consumers", function(ptr, handle, c.POINTER(Uses))),
                ("attribute", function(ptr, handle, _name, c.POINTER(Attr))),
                ("initializer", function(ptr, handle, c.POINTER(TensorView))),
                ("find_value", function(ptr, handle, _name, _out)), ("find_node", function(ptr, handle, _name, _out)),
                ("opset", function(ptr, _name, c.POINTER(i64))), ("revision", function(ptr, c.POINTER(u64))),
                ("metadata", function(ptr, _name, c.POINTER(Str))),
                ("hold_initializer", function(ptr, handle, c.POINTER(TensorView), c.POINTER(ptr))),
                ("release", function(ptr, result=None)), ("set_aside", function(ptr, result=None))]


class GraphEditTable(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32), ("unique_name", function(ptr, handle, _name, c.POINTER(Str))),
                ("add_value", function(ptr, handle, _name, c.POINTER(TensorInfo), _out)),
                ("add_initializer", function(ptr, handle, _name, c.POINTER(TensorView), _out)),
                ("add_node", function(ptr, handle, _name, _name, _name, c.POINTER(Handles), c.POINTER(Handles), _out)),
                ("remove_node", function(ptr, handle)), ("remove_value", function(ptr, handle)),
                ("set_input", function(ptr, handle, u32, handle)), ("set_output", function(ptr, handle, u32, handle)),
                ("resize_inputs", function(ptr, handle, u32)), ("replace_uses", function(ptr, handle, handle)),
                ("set_op_type", function(ptr, handle, _name, _name)),
                ("set_attribute", function(ptr, handle, c.POINTER(Attr))),
                ("remove_attribute", function(ptr, handle, _name)),
                ("set_initializer", function(ptr, handle, c.POINTER(TensorView))),
                ("rename_value", function(ptr, handle, _name)), ("rename_node", function(ptr, handle, _name)),
                ("set_opset", function(ptr, _name, i64)), ("set_metadata", function(ptr, _name, _name)),
                ("unlist_initializer", function(ptr, handle))]


class ConfigReadTable(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32), ("all", function(ptr, c.POINTER(Handles))),
                ("find", function(ptr, handle, u32, u32, _out)),
                ("of_node", function(ptr, handle, c.POINTER(Handles), c.POINTER(Handles))),
                ("infos", function(ptr, _out, u64, c.POINTER(ConfigInfo))),
                ("quantizer", function(ptr, handle, u32, ptr))]


class ConfigEditTable(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32),
                ("create", function(ptr, handle, u32, u32, c.POINTER(QuantSpec), u32, _out)),
                ("remove", function(ptr, handle)), ("set_spec", function(ptr, handle, c.POINTER(QuantSpec))),
                ("set_state", function(ptr, handle, u32, _name)),
                ("set_scales", function(ptr, handle, c.POINTER(f32), c.POINTER(i32), u64, _name)),
                ("dominate", function(ptr, handle, handle, _name)), ("set_master", function(ptr, handle, handle, _name)),
                ("release", function(ptr, handle)), ("set_observer", function(ptr, handle, _name, ptr, u64)),
                ("bake", function(ptr, handle)), ("set_dispatch", function(ptr, handle, u32, _name))]


class ProgressTable(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32), ("poll", function(ptr, u64, u64))]


class ReportTable(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32), ("row", function(ptr, _name, _name, result=None)),
                ("float_reason", function(ptr, handle, _name))]


class EngineOptions(Sized):
    _fields_ = [("struct_size", u32), ("no_environment", u32), ("plugin_paths", c.POINTER(text)),
                ("plugin_path_count", u64), ("user", ptr), ("log", function(ptr, u32, text, result=None)),
                ("progress", function(ptr, text, u64, u64, result=None))]


class Samples(Sized):
    _fields_ = [("struct_size", u32), ("once", u32), ("user", ptr), ("inputs", c.POINTER(text)), ("input_count", u64),
                ("count", u64), ("rewind", function(ptr, c.POINTER(Host), ptr)),
                ("next", function(ptr, c.POINTER(Host), ptr, c.POINTER(c.POINTER(TensorView)), c.POINTER(ptr), c.POINTER(u32))),
                ("release", function(ptr, ptr, result=None))]


class RunOptions(Sized):
    _fields_ = [("struct_size", u32), ("reserved", u32), ("file", text), ("text", text), ("folder", text),
                ("settings", c.POINTER(text)), ("setting_count", u64), ("preset", text), ("model", ptr),
                ("calibration", c.POINTER(Samples)), ("evaluation", c.POINTER(Samples)), ("labels", c.POINTER(i64)),
                ("label_count", u64), ("stop", ptr)]


class InferenceOptions(Sized):
    _fields_ = [("struct_size", u32), ("mode", u32), ("threads", u32), ("reserved", u32), ("executor", text),
                ("platform", text), ("outputs", c.POINTER(text)), ("output_count", u64)]


class EvaluateOptions(Sized):
    _fields_ = [("struct_size", u32), ("mode", u32), ("samples", c.POINTER(Samples)), ("labels", c.POINTER(i64)),
                ("label_count", u64), ("against", ptr), ("limit", u64), ("threads", u32), ("skip_bad", u32),
                ("preprocess", text), ("executor", text), ("platform", text), ("stop", ptr)]


# The names that the structs have in C.
C_NAMES = {
    "ht_str": Str, "ht_strs": Strs, "ht_handles": Handles, "ht_i64s": I64s, "ht_value": Value, "ht_param": Param,
    "ht_tensor_view": TensorView, "ht_tensor_info": TensorInfo, "ht_host": Host, "ht_role": Role,
    "ht_component": Component, "ht_plugin": Plugin, "ht_pass": PassRole, "ht_node_info": NodeInfo,
    "ht_value_info": ValueInfo, "ht_use": Use, "ht_uses": Uses, "ht_attr": Attr, "ht_quant_spec": QuantSpec,
    "ht_config_info": ConfigInfo, "ht_graph": GraphTable, "ht_graph_edit": GraphEditTable,
    "ht_config_read": ConfigReadTable, "ht_config_edit": ConfigEditTable, "ht_progress": ProgressTable,
    "ht_report": ReportTable, "ht_engine_options": EngineOptions, "ht_samples": Samples,
    "ht_run_options": RunOptions, "ht_inference_options": InferenceOptions, "ht_evaluate_options": EvaluateOptions,
}
