// Exporter `onnx-qdq`: the model with QuantizeLinear and DequantizeLinear nodes at its quantization points.
#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "float_narrowing.h"
#include "halftone/exporter.hpp"
#include "opset_raise.h"
#include "qdq_builder.h"
#include "qdq_plan.h"

namespace halftone::exporters {
namespace {

// Operators that move or select values: what comes out lies on the grid of what went in.
bool keeps_grid(const sdk::Node &node, const sdk::Graph &graph) {
  constexpr std::array<std::string_view, 18> kTypes = {
      "MaxPool",   "GlobalMaxPool", "Reshape",      "Flatten",      "Transpose",      "Squeeze",
      "Unsqueeze", "Slice",         "Split",        "Gather",       "GatherElements", "GatherND",
      "Identity",  "Dropout",       "DepthToSpace", "SpaceToDepth", "Expand",         "Tile"};
  if (!node.domain().empty()) return false;
  if (node.op_type() == "Resize") return graph.attribute_text(node.handle, "mode", "nearest") == "nearest";
  return std::find(kTypes.begin(), kTypes.end(), node.op_type()) != kTypes.end();
}

class Writer {
 public:
  // `float_type`: of what is not quantized.
  Writer(const sdk::Context &ctx, bool stored, ht_dtype float_type)
      : ctx_(ctx), graph_(ctx), edit_(ctx), plan_(ctx), stored_(stored), float_type_(float_type) {}

  void run() {
    const std::vector<ht_handle> in_float =
        float_type_ != HT_F32 ? nodes_in_float(graph_, plan_) : std::vector<ht_handle>();
    QdqBuilder builder(ctx_, graph_, edit_);
    std::vector<ht_handle> nodes;
    for (const ht_handle graph : graphs()) {
      const std::vector<ht_handle> own = graph_.nodes(graph);
      nodes.insert(nodes.end(), own.begin(), own.end());
    }
    // Producers come first: when a node's inputs are looked at, everything before it has its pairs.
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i % 64 == 0) ctx_.poll(i, nodes.size());
      inputs(builder, nodes[i]);
      outputs(builder, nodes[i]);
    }
    sweep();
    const std::int64_t present = graph_.opset();
    if (present < builder.needed_opset()) {
      ctx_.log("raising opset " + std::to_string(present) + " to " + std::to_string(builder.needed_opset()) +
               " for the types of the quantized tensors");
      raise_opset(ctx_, builder.needed_opset());
    }
    if (float_type_ != HT_F32) narrow_floats(ctx_, in_float, float_type_);
  }

 private:
  std::vector<ht_handle> graphs() const {
    const auto borrowed = graph_.graphs();
    return {borrowed.begin(), borrowed.end()};
  }

  // The grid that a value lies on, where a pair made it or values were only moved since.
  const Quantization *grid(ht_handle value) const {
    const auto found = grids_.find(value);
    return found == grids_.end() ? nullptr : &found->second;
  }

  void inputs(QdqBuilder &builder, ht_handle handle) {
    const std::size_t count = graph_.node(handle).inputs().size();
    builder.in_graph(graph_.node(handle).graph());
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      const ht_handle value = graph_.node(handle).input(slot);
      const SlotPlan *plan = plan_.input(handle, slot);
      if (value == HT_NONE || plan == nullptr || !plan->quantizer) continue;
      const Quantization &q = *plan->quantizer;
      if (graph_.value(value).is_initializer()) {
        parameter(builder, handle, slot, value, *plan);
      } else if (!plan->hidden && is_live(plan->state)) {
        const Quantization *present = grid(value);
        if (present != nullptr && *present == q && !q.dynamic) continue;
        const ht_handle out = builder.pair_before(value, q);
        grids_.emplace(out, q);
        edit_.set_input(handle, slot, out);
      }
    }
  }

  void parameter(QdqBuilder &builder, ht_handle handle, std::uint32_t slot, ht_handle value, const SlotPlan &plan) {
    const Quantization &q = *plan.quantizer;
    const std::string base(graph_.value(value).name());
    ht_handle out = HT_NONE;
    if (plan.hidden) {
      out = builder.on_grid(base + "_on_grid", value, q);
    } else if (stored_ || !has_pair_type(q)) {
      out = builder.stored(base, value, q);
    } else {
      out = builder.pair_before(value, q);
    }
    if (out == value) return;
    edit_.set_input(handle, slot, out);
    orphans_.push_back(value);
  }

  // QuantizeLinear makes no int32: biases are stored in any case.
  static bool has_pair_type(const Quantization &q) { return storage_of(q, false).has_value(); }
  static bool is_live(std::uint32_t state) { return state == HT_STATE_ACTIVATED || state == HT_STATE_PASSIVE; }

  void outputs(QdqBuilder &builder, ht_handle handle) {
    const std::size_t count = graph_.node(handle).outputs().size();
    builder.in_graph(graph_.node(handle).graph());
    for (std::uint32_t slot = 0; slot < count; ++slot) {
      const sdk::Node node = graph_.node(handle);
      const ht_handle value = node.output(slot);
      const SlotPlan *plan = plan_.output(handle, slot);
      if (value == HT_NONE || plan == nullptr || plan->hidden) continue;
      if (plan->quantizer && is_live(plan->state)) {
        behind(builder, value, *plan->quantizer);
        continue;
      }
      // The point before a moving operator covers what comes out of it. A runtime wants to see that, so the pair is
      // repeated; values that lie on the grid pass it unchanged.
      const Quantization *present = node.input(0) == HT_NONE ? nullptr : grid(node.input(0));
      const bool moved =
          plan->covering && present != nullptr && *present == *plan->covering && keeps_grid(node, graph_);
      if (moved) behind(builder, value, Quantization(*plan->covering));
    }
  }

  void behind(QdqBuilder &builder, ht_handle value, const Quantization &q) {
    const ht_handle out = builder.pair_behind(value, q);
    grids_.emplace(out, q);
  }

  // Float parameters that nothing reads any more.
  void sweep() {
    std::sort(orphans_.begin(), orphans_.end());
    orphans_.erase(std::unique(orphans_.begin(), orphans_.end()), orphans_.end());
    for (const ht_handle value : orphans_) {
      const sdk::Value v = graph_.value(value);
      if (graph_.consumers(value).empty() && !v.is_input() && !v.is_output()) edit_.remove_value(value);
    }
  }

  const sdk::Context &ctx_;
  const sdk::Graph graph_;
  const sdk::GraphEdit edit_;
  const QdqPlan plan_;
  bool stored_;
  ht_dtype float_type_;
  std::unordered_map<ht_handle, Quantization> grids_;
  std::vector<ht_handle> orphans_;
};

class OnnxQdq final : public sdk::Exporter {
 public:
  static constexpr const char *kExtension = ".onnx";
  static void describe(sdk::Description &d) {
    d.id("onnx-qdq").title("ONNX with QuantizeLinear and DequantizeLinear nodes");
    d.capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_FILE_WRITE);
    d.doc(
        "The form that ONNX Runtime, TensorRT and OpenVINO read. A pair of QuantizeLinear and DequantizeLinear stands "
        "behind the "
        "producer of each quantized value, or before a consumer that quantizes what its producer does not; parameters "
        "are "
        "stored as integers with a DequantizeLinear. Scales are float32; every zero point is written, with the type of "
        "the "
        "codes. A quantizer that is narrower than its storage type gets a Clip before it, so that the file means what "
        "was "
        "simulated. Types that opset 13 lacks (16 bit, float8, 4-bit parameters, blocks) raise the model's opset to 19 "
        "or "
        "21. Ranges taken at run time become DynamicQuantizeLinear, which knows 8-bit asymmetric codes only.");
    d.params.choice("weights", "parameters as stored integers, or in float with a pair of nodes", "stored",
                    {"stored", "qdq"});
    d.params.choice("external_data",
                    "constants of 1 KiB and more in a file FILE.data beside the model: `auto` when they take more than "
                    "2000 MiB together, which one ONNX file may not hold",
                    "auto", {"auto", "always"});
    d.params.choice("float_type",
                    "what is not quantized: in `float32`, `float16` or `bfloat16`, or as the `model` was read, where "
                    "that was one of these. Scales and quantized operators stay float32, with Casts where the two meet",
                    "float32", {"float32", "float16", "bfloat16", "model"});
  }
  explicit OnnxQdq(const sdk::Args &args)
      : stored_(args.text("weights") == "stored"),
        beside_(args.text("external_data") == "always"),
        float_type_(args.text("float_type")) {}

  void write(const sdk::Context &ctx, const std::string &path) override {
    Writer(ctx, stored_, written_float(ctx)).run();
    const sdk::GraphEdit edit(ctx);
    edit.set_metadata("halftone.version", ctx.host.raw->version);
    edit.set_metadata("halftone.exporter", "onnx-qdq");
    const ht_str name = sdk::view(path);
    sdk::check(ctx.host.model_io->write_onnx(ctx.raw, &name, beside_ ? 1 : 0));
  }

 private:
  ht_dtype written_float(const sdk::Context &ctx) const {
    std::string type = float_type_;
    if (type == "model") {
      type = sdk::Graph(ctx).metadata(HT_NOTE_PREFIX "float-type").value_or("float32");
      if (type == "float64") ctx.warn("float_type: model: the model was float64, which is written as float32");
    }
    return type == "float16" ? HT_F16 : (type == "bfloat16" ? HT_BF16 : HT_F32);
  }

  bool stored_, beside_;
  std::string float_type_;
};
HALFTONE_EXPORTER(OnnxQdq)

}  // namespace
}  // namespace halftone::exporters
