// Static types by onnx's shape inference, on a message that holds only the constants that matter for shapes.
#include <algorithm>
#include <set>
#include <string>

#include "core/model/onnx_build.h"
#include "core/model/onnx_guard.h"
#include "core/model/onnx_io.h"
#include "core/model/onnx_schema.h"
#include "core/model/onnx_tensor.h"
#include "core/model/onnx_type.h"
#include "core/model/shape_values.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#include <onnx/shape_inference/implementation.h>
#pragma GCC diagnostic pop

namespace halftone::model {
namespace {

constexpr std::size_t kSmallCount = 1024;
constexpr int kShapeRounds = 4;
constexpr std::string_view kGeneratedSymbol = "unk__";  // onnx's names for extents that it does not know

// Integers may be shapes, axes or indices; of other constants the type is enough unless they are small (Resize scales).
void write_for_shapes(const Tensor &tensor, onnx::TensorProto &proto, ConstantPlace) {
  const ht_dtype dtype = tensor.dtype();
  if (dtype == HT_STRING) return;  // its message says type and shape
  const bool shapes_depend_on_it = dtype == HT_I64 || dtype == HT_I32 || dtype == HT_BOOL;
  if (shapes_depend_on_it || static_cast<std::size_t>(tensor.count()) <= kSmallCount)
    put_tensor(tensor, proto);
  else
    put_tensor_header(tensor, proto);
}

std::string plain(const std::string &domain) {
  return domain == "ai.onnx" ? std::string() : domain;
}

constexpr const char *kHiddenDomain = "halftone.hidden";

enum class Follow { kTypes, kTypesAndShapeValues };

bool reads_untyped(const onnx::NodeProto &node, Handle graph, const Model &model) {
  return std::any_of(node.input().begin(), node.input().end(), [&](const std::string &name) {
    const Handle h = name.empty() ? HT_NONE : model.find_value(graph, name);
    return h != HT_NONE && model.value(h).type.dtype == HT_DTYPE_NONE;
  });
}

// A schema older than the node would give a wrong type, not none; a broken node would end the inference of all, or the
// process, because libonnx does not check what it reads. Such nodes get a domain that onnx does not know. Where the
// values of shapes are followed, so do nodes that read a value without a type: libonnx takes for granted that it has
// one.
void hide_misfits(Handle handle, onnx::GraphProto &graph, const Model &model, Follow follow,
                  std::set<std::string> &domains) {
  for (onnx::NodeProto &node : *graph.mutable_node()) {
    node.set_domain(plain(node.domain()));
    const bool is_known_domain = linked_version(node.domain()) != 0;
    const bool fits = fit_to_known_schema(node, model.opset(node.domain())) && is_safe_to_infer(node, handle, model);
    const bool risky = follow == Follow::kTypesAndShapeValues && reads_untyped(node, handle, model);
    if (is_known_domain && (!fits || risky)) node.set_domain(kHiddenDomain);
    domains.insert(node.domain());
  }
}

void build_for_inference(const Model &model, Follow follow, onnx::ModelProto &proto, GraphMessages &graphs) {
  build_proto(model, write_for_shapes, proto, &graphs);
  proto.clear_training_info();
  // Constants need not be inputs, whatever the file's own version says.
  proto.set_ir_version(linked_ir_version());
  std::set<std::string> domains;
  for (const auto &[handle, graph] : graphs) hide_misfits(handle, *graph, model, follow, domains);
  for (auto &import : *proto.mutable_opset_import()) {
    import.set_domain(plain(import.domain()));
    domains.erase(import.domain());
  }
  // One node of a domain that is not imported would end the inference of all.
  for (const std::string &domain : domains) {
    auto &import = *proto.add_opset_import();
    import.set_domain(domain);
    import.set_version(1);
  }
}

// What was inferred before a failure is in the message and is used.
void run_inference(onnx::ModelProto &proto, Follow follow) {
  try {
    const onnx::ShapeInferenceOptions options(false, 0, follow == Follow::kTypesAndShapeValues);
    onnx::shape_inference::InferShapes(proto, onnx::OpSchemaRegistry::Instance(), options);
  } catch (const std::exception &) {
    return;
  }
}

ValueType without_generated_symbols(ValueType type) {
  for (Dim &dim : type.dims) {
    if (dim.symbol.starts_with(kGeneratedSymbol)) dim.symbol.clear();
  }
  return type;
}

// Inputs and outputs whose shape the file says: it stays as it is.
using Declared = std::set<Handle>;

Declared declared_shapes(const Model &model) {
  Declared declared;
  for (const Handle graph : model.graphs()) {
    for (const Handle h : model.graph(graph).values) {
      const Value &value = model.value(h);
      if ((value.is_input || value.is_output) && value.type.has_shape) declared.insert(h);
    }
  }
  return declared;
}

void merge_type(Model &model, Handle h, const ValueType &found, const Declared &declared) {
  const Value &value = model.value(h);
  if (found.dtype == HT_DTYPE_NONE || value.initializer) return;
  ValueType merged = value.type;
  if (merged.dtype == HT_DTYPE_NONE) {
    merged = found;
  } else if (merged.dtype != found.dtype) {
    return;
  } else if (!merged.has_shape) {
    merged.has_shape = found.has_shape;
    merged.dims = found.dims;
  } else if (found.has_shape && found.dims.size() == merged.dims.size() && !declared.contains(h)) {
    for (std::size_t i = 0; i < merged.dims.size(); ++i) {
      if (merged.dims[i].extent < 0 && merged.dims[i].symbol.empty()) merged.dims[i] = found.dims[i];
    }
  }
  if (!same_type(merged, value.type)) model.set_type(h, std::move(merged));
}

template <typename Infos>
void collect(Model &model, Handle graph, const Infos &infos, const Declared &declared) {
  for (const onnx::ValueInfoProto &info : infos) {
    const Handle h = model.find_value(graph, info.name());
    if (h == HT_NONE || model.value(h).graph != graph) continue;
    merge_type(model, h, without_generated_symbols(read_type(info.type())), declared);
  }
}

// Whether merge_type() could still change a value.
bool lacks_types(const Model &model) {
  const auto is_open = [](const Dim &dim) { return dim.extent < 0 && dim.symbol.empty(); };
  const auto lacks = [&](Handle h) {
    const Value &value = model.value(h);
    const ValueType &type = value.type;
    if (value.initializer) return false;
    return type.dtype == HT_DTYPE_NONE || !type.has_shape || std::ranges::any_of(type.dims, is_open);
  };
  return std::ranges::any_of(model.graphs(),
                             [&](Handle graph) { return std::ranges::any_of(model.graph(graph).values, lacks); });
}

// One run of libonnx over the whole model.
void infer_once(Model &model, Follow follow, const Declared &declared) {
  google::protobuf::Arena arena;  // thousands of small messages, freed at once
  onnx::ModelProto &proto = *google::protobuf::Arena::CreateMessage<onnx::ModelProto>(&arena);
  GraphMessages graphs;
  build_for_inference(model, follow, proto, graphs);
  run_inference(proto, follow);
  for (const auto &[graph, message] : graphs) {
    collect(model, graph, message->input(), declared);
    collect(model, graph, message->value_info(), declared);
    collect(model, graph, message->output(), declared);
  }
}

// Whether there were any.
bool add_types_from_shapes(Model &model, const Declared &declared) {
  const std::uint64_t before = model.revision();
  for (const auto &[value, type] : types_from_shapes(model)) merge_type(model, value, type, declared);
  return model.revision() != before;
}

}  // namespace

// The first round finds what follows from the types alone; where it leaves no gap, that is all. Those after it follow
// the values of shapes, and know by then which values have no type. What libonnx does not compute of shapes is computed
// here before each.
void infer_shapes(Model &model) {
  if (!lacks_types(model)) return;
  const Declared declared = declared_shapes(model);
  infer_once(model, Follow::kTypes, declared);
  for (int round = 0; round < kShapeRounds && lacks_types(model); ++round) {
    if (!add_types_from_shapes(model, declared) && round > 0) return;
    infer_once(model, Follow::kTypesAndShapeValues, declared);
  }
}

}  // namespace halftone::model
