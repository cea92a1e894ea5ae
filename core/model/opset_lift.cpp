#include "core/model/opset_lift.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/model/opset_adapters.h"

namespace halftone::model {
namespace {

struct Change {
  std::string_view op_type;
  std::int64_t since;  // the adapter is for nodes written for an opset below this
  OpsetAdapter adapter;
};

// To the form of opset 7.
constexpr std::array kEarlyChanges = {
    Change{"Add", 7, lift_attribute_broadcast},
    Change{"And", 7, lift_attribute_broadcast},
    Change{"BatchNormalization", 7, lift_training_hint},
    Change{"Cast", 6, lift_cast_name},
    Change{"Concat", 4, lift_early_defaults},
    Change{"Div", 7, lift_attribute_broadcast},
    Change{"Dropout", 7, lift_training_hint},
    Change{"Equal", 7, lift_attribute_broadcast},
    Change{"GRU", 7, lift_early_defaults},
    Change{"Gemm", 7, lift_plain_broadcast},
    Change{"GlobalLpPool", 2, lift_early_defaults},
    Change{"Greater", 7, lift_attribute_broadcast},
    Change{"LSTM", 7, lift_early_defaults},
    Change{"Less", 7, lift_attribute_broadcast},
    Change{"LpPool", 2, lift_early_defaults},
    Change{"Mul", 7, lift_attribute_broadcast},
    Change{"Or", 7, lift_attribute_broadcast},
    Change{"PRelu", 7, lift_channel_slope},
    Change{"Pad", 2, lift_early_defaults},
    Change{"Pow", 7, lift_attribute_broadcast},
    Change{"RNN", 7, lift_early_defaults},
    Change{"Reshape", 5, lift_reshape_attribute},
    Change{"Selu", 6, lift_early_defaults},
    Change{"Sub", 7, lift_attribute_broadcast},
    Change{"Tile", 6, lift_tile_axis},
    Change{"Upsample", 7, lift_upsample_scales},
    Change{"Xor", 7, lift_attribute_broadcast},
};

// From there to opset 13.
constexpr std::array kChanges = {
    Change{"BatchNormalization", 13, lift_batch_normalization},
    Change{"Clip", 11, lift_clip},
    Change{"Dropout", 12, lift_dropout},
    Change{"Hardmax", 13, lift_softmax},
    Change{"LogSoftmax", 13, lift_softmax},
    Change{"Pad", 11, lift_pad},
    Change{"ReduceSum", 13, lift_axes},
    Change{"Resize", 13, lift_resize},
    Change{"Scan", 9, lift_scan},
    Change{"Scatter", 13, lift_scatter},
    Change{"Slice", 10, lift_slice},
    Change{"Softmax", 13, lift_softmax},
    Change{"Split", 13, lift_split},
    Change{"Squeeze", 13, lift_axes},
    Change{"TopK", 10, lift_top_k},
    Change{"Unsqueeze", 13, lift_axes},
    Change{"Upsample", 13, lift_upsample},
};

template <std::size_t N>
void apply_change(const std::array<Change, N> &changes, Model &model, Handle n, std::int64_t from) {
  const std::string op_type = model.node(n).op_type;
  const auto change =
      std::find_if(changes.begin(), changes.end(), [&](const Change &c) { return c.op_type == op_type; });
  if (change != changes.end() && from < change->since) change->adapter(model, n, from);
}

void lift_node(Model &model, Handle n, std::int64_t from) {
  const Node &node = model.node(n);
  if (!node.domain.empty()) return;
  const std::string where =
      fmt::format("in node '{}' ({}), while lifting opset {} to {}", node.name, node.op_type, from, kLiftedOpset);
  try {
    if (from < 7) {
      model.remove_attribute(n, "consumed_inputs");  // a hint at memory
      apply_change(kEarlyChanges, model, n, from);
    }
    apply_change(kChanges, model, n, from);
  } catch (Error &error) {
    throw error.note(where);
  }
}

}  // namespace

void lift_opset(Model &model) {
  const std::int64_t from = model.opset();
  if (from == 0 || from >= kLiftedOpset) return;
  std::vector<Handle> graphs = model.graphs();
  std::reverse(graphs.begin(), graphs.end());  // bodies first: adapters of nodes around them may move what is inside
  for (const Handle g : graphs) {
    const std::vector<Handle> nodes = model.graph(g).nodes;  // a copy: adapters add nodes, which need no lifting
    for (const Handle n : nodes) lift_node(model, n, from);
  }
  model.set_opset("", kLiftedOpset);
}

}  // namespace halftone::model
