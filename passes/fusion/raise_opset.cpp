#include "raise_opset.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace halftone::passes {
namespace {

using Adapt = void (*)(const sdk::Graph &, const sdk::GraphEdit &, ht_handle);

ht_handle add_integers(const sdk::GraphEdit &edit, ht_handle home, std::string_view name,
                       std::span<const std::int64_t> values, bool scalar) {
  const auto count = static_cast<std::int64_t>(values.size());
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = HT_I64;
  view.rank = scalar ? 0 : 1;
  view.shape = &count;
  view.data = const_cast<std::int64_t *>(values.data());
  return edit.add_initializer(home, name, view);
}

// The default was half a pixel off.
void adapt_roi_align(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node) {
  if (!graph.attribute(node, "coordinate_transformation_mode")) {
    edit.set_text(node, "coordinate_transformation_mode", "output_half_pixel");
  }
}

// Axes became an input.
void adapt_reduction(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node) {
  const auto axes = graph.attribute(node, "axes");
  if (!axes) return;
  const sdk::Node info = graph.node(node);
  const std::string name = std::string(info.name()) + "_axes";
  // A list without entries meant all axes, as no list does now.
  if (axes->kind == HT_ATTR_INTS && axes->ints.size > 0) {
    edit.set_input(node, 1, add_integers(edit, info.graph(), name, {axes->ints.data, axes->ints.size}, false));
  }
  edit.remove_attribute(node, "axes");
}

// Equal parts have to be said.
void adapt_split(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node) {
  const sdk::Node info = graph.node(node);
  if (info.input(1) != HT_NONE) return;
  edit.set_int(node, "num_outputs", static_cast<std::int64_t>(info.outputs().size()));
}

void adapt_grid_sample(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node) {
  const std::string mode = graph.attribute_text(node, "mode", "bilinear");
  if (mode == "bilinear") edit.set_text(node, "mode", "linear");
  if (mode == "bicubic") edit.set_text(node, "mode", "cubic");
}

// The axis became an input, and its default another one.
void adapt_dft(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node) {
  const std::int64_t axis = graph.attribute_int(node, "axis", 1);
  if (graph.attribute(node, "axis")) edit.remove_attribute(node, "axis");
  const sdk::Node info = graph.node(node);
  const std::string name = std::string(info.name()) + "_axis";
  const ht_handle home = info.graph();
  edit.set_input(node, 2, add_integers(edit, home, name, {&axis, 1}, true));
}

struct Change {
  std::string_view op_type;
  std::int64_t since;
  Adapt adapt;
};

constexpr std::array kChanges = {Change{"RoiAlign", 16, adapt_roi_align},
                                 Change{"ReduceL1", 18, adapt_reduction},
                                 Change{"ReduceL2", 18, adapt_reduction},
                                 Change{"ReduceLogSum", 18, adapt_reduction},
                                 Change{"ReduceLogSumExp", 18, adapt_reduction},
                                 Change{"ReduceMax", 18, adapt_reduction},
                                 Change{"ReduceMean", 18, adapt_reduction},
                                 Change{"ReduceMin", 18, adapt_reduction},
                                 Change{"ReduceProd", 18, adapt_reduction},
                                 Change{"ReduceSumSquare", 18, adapt_reduction},
                                 Change{"Split", 18, adapt_split},
                                 Change{"GridSample", 20, adapt_grid_sample},
                                 Change{"DFT", 20, adapt_dft}};

}  // namespace

void raise_opset(const sdk::Graph &graph, const sdk::GraphEdit &edit, std::int64_t version) {
  const std::int64_t from = graph.opset();
  if (from >= version) return;
  const auto borrowed = graph.graphs();
  const std::vector<ht_handle> graphs(borrowed.begin(), borrowed.end());
  for (const ht_handle g : graphs) {
    for (const ht_handle node : graph.nodes(g)) {
      for (const Change &change : kChanges) {
        if (from >= change.since || change.since > version || !graph.node(node).is(change.op_type)) continue;
        change.adapt(graph, edit, node);
      }
    }
  }
  edit.set_opset("", version);
}

}  // namespace halftone::passes
