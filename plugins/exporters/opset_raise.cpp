#include "opset_raise.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace halftone::exporters {
namespace {

class Raise {
 public:
  Raise(const sdk::Context &ctx, std::int64_t from, std::int64_t to) : graph_(ctx), edit_(ctx), from_(from), to_(to) {}

  void run() {
    const std::span<const ht_handle> graphs = graph_.graphs();
    for (const ht_handle graph : std::vector<ht_handle>(graphs.begin(), graphs.end())) {
      for (const ht_handle node : graph_.nodes(graph)) visit(graph, node);
    }
    edit_.set_opset("", to_);
  }

 private:
  bool crosses(std::int64_t opset) const { return from_ < opset && opset <= to_; }

  void visit(ht_handle graph, ht_handle handle) {
    const sdk::Node node = graph_.node(handle);
    if (!node.domain().empty()) return;
    const std::string type(node.op_type());
    if (crosses(18) && takes_axes(type)) axes_to_input(graph, handle);
    if (crosses(18) && type == "Split" && node.input(1) == HT_NONE && !graph_.attribute(handle, "num_outputs")) {
      edit_.set_int(handle, "num_outputs", static_cast<std::int64_t>(node.outputs().size()));
    }
    // The default changed with opset 16.
    if (crosses(16) && type == "RoiAlign" && !graph_.attribute(handle, "coordinate_transformation_mode")) {
      edit_.set_text(handle, "coordinate_transformation_mode", "output_half_pixel");
    }
    if (crosses(20) && type == "GridSample") rename_mode(handle);
    const bool changed = (crosses(21) && type == "GroupNormalization") || (crosses(20) && type == "DFT") ||
                         (crosses(14) && type == "BatchNormalization" && node.outputs().size() > 1);
    if (changed) {
      throw sdk::Failure(
          HT_UNIMPLEMENTED,
          "the types of this model's quantized tensors need opset " + std::to_string(to_) + ", where " + type +
              " has another form; export with 8-bit integer types, or convert the model to that opset first",
          handle);
    }
  }

  static bool takes_axes(std::string_view type) {
    constexpr std::array<std::string_view, 9> kTypes = {"ReduceMean",   "ReduceMax",       "ReduceMin",
                                                        "ReduceProd",   "ReduceL1",        "ReduceL2",
                                                        "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"};
    return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
  }

  void axes_to_input(ht_handle graph, ht_handle handle) {
    if (!graph_.attribute(handle, "axes")) return;
    std::vector<std::int64_t> axes = graph_.attribute_ints(handle, "axes");
    edit_.remove_attribute(handle, "axes");
    if (axes.empty()) return;  // all axes, written or not
    const std::int64_t count = static_cast<std::int64_t>(axes.size());
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    view.dtype = HT_I64;
    view.rank = 1;
    view.shape = &count;
    view.data = axes.data();
    const std::string base = std::string(graph_.node(handle).name()) + "_axes";
    const ht_handle value = edit_.add_initializer(graph, base, view);
    edit_.set_input(handle, 1, value);
  }

  void rename_mode(ht_handle handle) {
    const std::string mode = graph_.attribute_text(handle, "mode", "bilinear");
    if (mode == "bilinear") edit_.set_text(handle, "mode", "linear");
    if (mode == "bicubic") edit_.set_text(handle, "mode", "cubic");
  }

  const sdk::Graph graph_;
  const sdk::GraphEdit edit_;
  std::int64_t from_, to_;
};

}  // namespace

void raise_opset(const sdk::Context &ctx, std::int64_t wanted) {
  const std::int64_t present = sdk::Graph(ctx).opset();
  if (present < wanted) Raise(ctx, present, wanted).run();
}

}  // namespace halftone::exporters
