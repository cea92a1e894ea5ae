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

void lift_node(Model &model, Handle n, std::int64_t from) {
  const Node &node = model.node(n);
  if (!node.domain.empty()) return;
  const auto change =
      std::find_if(kChanges.begin(), kChanges.end(), [&](const Change &c) { return c.op_type == node.op_type; });
  if (change == kChanges.end() || from >= change->since) return;
  const std::string where =
      fmt::format("in node '{}' ({}), while lifting opset {} to {}", node.name, node.op_type, from, kLiftedOpset);
  try {
    change->adapter(model, n, from);
  } catch (Error &error) {
    throw error.note(where);
  }
}

}  // namespace

void lift_opset(Model &model) {
  const std::int64_t from = model.opset();
  if (from == 0 || from >= kLiftedOpset) return;
  if (from < kOldestLiftable) {
    fail(Status::kUnimplemented,
         "the model uses opset {} of ai.onnx, and {} is the oldest that is read; convert it first: "
         "onnx.version_converter.convert_version(model, {})",
         from, kOldestLiftable, kLiftedOpset);
  }
  std::vector<Handle> graphs = model.graphs();
  std::reverse(graphs.begin(), graphs.end());  // bodies first: adapters of nodes around them may move what is inside
  for (const Handle g : graphs) {
    const std::vector<Handle> nodes = model.graph(g).nodes;  // a copy: adapters add nodes, which need no lifting
    for (const Handle n : nodes) lift_node(model, n, from);
  }
  model.set_opset("", kLiftedOpset);
}

}  // namespace halftone::model
