#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>

#include "platform_options.h"
#include "quantization_points.h"

namespace halftone::passes {
namespace {

bool contains(const std::vector<std::string> &list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::string fused_into(const sdk::Node &node) {
  return "fused into " + std::string(node.op_type()) + " '" + std::string(node.name()) + "'";
}

// The work of one run.
class Fusion {
 public:
  explicit Fusion(const sdk::Context &ctx) : points_(ctx), nodes_(points_.graph.nodes()) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (i % 64 == 0) ctx.poll(i, nodes_.size());
      const ht_node_rule rule = platform_rule(ctx, nodes_[i]);
      const sdk::Node node = points_.graph.node(nodes_[i]);
      const bool weighted = node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul");
      traits_[nodes_[i]] = {rule.computing != 0 || weighted, rule.passive != 0};
    }
  }

  // Conv -> Relu: nothing is quantized between them.
  std::size_t fuse_activations(const std::vector<std::string> &types) const {
    std::size_t fused = 0;
    for (const ht_handle handle : nodes_) {
      if (!traits_.at(handle).computing) continue;
      const auto act = only_reader(points_.graph.node(handle).output(0));
      if (!act || !points_.graph.node(*act).domain().empty()) continue;
      if (contains(types, points_.graph.node(*act).op_type())) fused += fuse_chain(handle, 0, *act) ? 1 : 0;
    }
    return fused;
  }

  // x * sigmoid(x) (inner: Sigmoid) and x * tanh(softplus(x)) (inner: Softplus, Tanh) behind a computing operator.
  std::size_t fuse_gates(std::span<const std::string_view> inner) const {
    std::size_t fused = 0;
    for (const ht_handle handle : nodes_) {
      if (traits_.at(handle).computing) fused += fuse_gate(handle, inner) ? 1 : 0;
    }
    return fused;
  }

  // The output of an operator that only moves values has the quantization of its input.
  std::size_t fuse_passive() const {
    std::size_t fused = 0;
    for (const ht_handle handle : nodes_) {
      if (!traits_.at(handle).passive) continue;
      const sdk::Node node = points_.graph.node(handle);
      const ht_handle in = points_.configs.input(handle, 0);
      const std::string reason = std::string(node.op_type()) + " '" + std::string(node.name()) + "' only moves values";
      for (std::uint32_t i = 0; in != HT_NONE && i < node.outputs().size(); ++i) {
        const ht_handle out = points_.configs.output(handle, i);
        if (out == HT_NONE || !same_scheme(points_.configs.info(in).spec, points_.configs.info(out).spec)) continue;
        fused += points_.join(out, in, reason) ? 1 : 0;
      }
    }
    return fused;
  }

  // Any operator -> Relu or Clip: what they cut off needs no codes.
  std::size_t fuse_relu_clip() const {
    std::size_t fused = 0;
    for (const ht_handle handle : nodes_) {
      const sdk::Node act = points_.graph.node(handle);
      if ((!act.is("Relu") && !act.is("Clip")) || act.input(0) == HT_NONE) continue;
      const sdk::Value value = points_.graph.value(act.input(0));
      if (value.info.producer == HT_NONE || only_reader(value.handle) != handle) continue;
      const auto traits = traits_.find(value.info.producer);
      if (traits == traits_.end()) continue;
      // The outputs of Split are one point: one of them cannot follow a Relu that the others do not see.
      const bool several = points_.graph.node(value.info.producer).outputs().size() > 1;
      if (traits->second.passive && several) continue;
      fused += fuse_chain(value.info.producer, value.info.producer_slot, handle) ? 1 : 0;
    }
    return fused;
  }

 private:
  struct Traits {
    bool computing = false, passive = false;
  };

  // The one node that reads a value, as its input 0; nothing else sees the value.
  std::optional<ht_handle> only_reader(ht_handle value) const {
    if (value == HT_NONE) return std::nullopt;
    const auto use = points_.graph.sole_consumer(value);
    if (!use || use->slot != 0) return std::nullopt;
    return use->node;
  }

  bool fuse_chain(ht_handle producer, std::uint32_t slot, ht_handle act) const {
    const ht_handle between = points_.configs.output(producer, slot), in = points_.configs.input(act, 0);
    const ht_handle out = points_.configs.output(act, 0);
    if (points_.root_state(between) == HT_STATE_FP32 || points_.root_state(in) == HT_STATE_FP32) return false;
    const std::string reason = fused_into(points_.graph.node(act));
    const bool first = points_.join(between, out, reason), second = points_.join(in, out, reason);
    return first || second;
  }

  bool fuse_gate(ht_handle computing, std::span<const std::string_view> inner) const {
    const ht_handle x = points_.graph.node(computing).output(0);
    if (x == HT_NONE || points_.graph.value(x).is_output()) return false;
    const std::vector<ht_use> uses = points_.graph.consumers(x);
    if (uses.size() != 2) return false;
    const auto is_type = [&](ht_handle node, std::string_view type) { return points_.graph.node(node).is(type); };
    const std::size_t gate = is_type(uses[0].node, inner.front()) ? 0 : 1;
    const ht_handle product = uses[1 - gate].node;
    if (!is_type(uses[gate].node, inner.front()) || !is_type(product, "Mul")) return false;

    std::vector<ht_handle> inside = {points_.configs.output(computing, 0)};
    ht_handle at = uses[gate].node;
    for (std::size_t i = 0;; ++i) {
      inside.push_back(points_.configs.input(at, 0));
      inside.push_back(points_.configs.output(at, 0));
      const ht_handle out = points_.graph.node(at).output(0);
      const auto use = out == HT_NONE ? std::nullopt : points_.graph.sole_consumer(out);
      if (!use) return false;
      at = use->node;
      if (i + 1 == inner.size()) break;
      if (!is_type(at, inner[i + 1])) return false;
    }
    if (at != product) return false;
    inside.push_back(points_.configs.input(product, 0));
    inside.push_back(points_.configs.input(product, 1));
    const ht_handle out = points_.configs.output(product, 0);
    if (points_.root_state(inside.front()) == HT_STATE_FP32 || points_.root_state(out) == HT_STATE_FP32) return false;
    const std::string reason = fused_into(points_.graph.node(product));
    for (const ht_handle config : inside) points_.join(config, out, reason);
    return true;
  }

  QuantizationPoints points_;
  std::vector<ht_handle> nodes_;
  std::unordered_map<ht_handle, Traits> traits_;
};

}  // namespace

class QuantizeFusion final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("quantize-fusion")
        .title("removes quantization points inside what the device computes as one operator")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)
        .after({HT_FACT_CONFIGS})
        .provides({HT_FACT_FUSED})
        .doc(
            "A device that runs Conv and Relu as one kernel never stores the value between them, so it must not be "
            "quantized in the "
            "simulation either. The graph stays as it is: the inner configs become overlapped under the config of the "
            "fused "
            "output. In this order:\n"
            "\n"
            "- a computing operator (Conv, ConvTranspose, Gemm, MatMul and what the platform adds) and an activation "
            "of the list "
            "that is its only reader;\n"
            "- x * sigmoid(x) (swish) and x * tanh(softplus(x)) (mish) behind a computing operator;\n"
            "- operators that only move values, such as MaxPool, Reshape or Slice: their outputs take the quantization "
            "of "
            "input 0;\n"
            "- any operator followed by Relu or Clip alone.\n"
            "\n"
            "A value that is an output of the graph is never fused away.\n"
            "\n"
            "PPQ counterpart: QuantizeFusionPass, SwishFusionPass and MishFusionPass; Dropout and Slice, which a "
            "missing comma "
            "keeps out there, are included.");
    d.params.optional_texts("activations", "operators that fuse with a computing operator; absent: the platform's list")
        .flag("fuse_activation", "fuse computing operators with activations", true)
        .optional_flag("passive", "fuse operators that only move values; absent: as the platform says, else true")
        .optional_flag("swish", "fuse x * sigmoid(x); absent: as the platform says, else false")
        .optional_flag("mish", "fuse x * tanh(softplus(x)); absent: as the platform says, else false")
        .flag("relu_clip", "fuse any operator with a Relu or Clip that is its only reader", true);
  }
  explicit QuantizeFusion(const sdk::Args &args)
      : fuse_activation_(args.flag("fuse_activation")),
        passive_(args, "passive"),
        swish_(args, "swish"),
        mish_(args, "mish"),
        relu_clip_(args.flag("relu_clip")) {
    if (args.has("activations")) activations_ = args.texts("activations");
  }

  void run(const sdk::Context &ctx) override {
    static constexpr std::string_view kSwish[] = {"Sigmoid"}, kMish[] = {"Softplus", "Tanh"};
    const auto types =
        activations_ ? *activations_ : platform_texts(ctx, "fusion.activations").value_or(std::vector<std::string>{});
    const Fusion fusion(ctx);
    std::size_t gates = 0;
    if (fuse_activation_) {
      // PPQ's lists name the gates beside real operators.
      if (swish_.resolve(ctx, "fusion.swish", contains(types, "Swish"))) gates += fusion.fuse_gates(kSwish);
      if (mish_.resolve(ctx, "fusion.mish", contains(types, "Mish"))) gates += fusion.fuse_gates(kMish);
      ctx.report("activations", std::to_string(fusion.fuse_activations(types)) + " fused with computing operators");
      if (gates > 0) ctx.report("gates", std::to_string(gates) + " swish or mish fused");
    }
    if (passive_.resolve(ctx, "fusion.passive", true)) {
      ctx.report("passive", std::to_string(fusion.fuse_passive()) + " outputs took the quantization of their input");
    }
    if (relu_clip_) {
      ctx.report("relu and clip", std::to_string(fusion.fuse_relu_clip()) + " more fused with what is before them");
    }
  }

 private:
  std::optional<std::vector<std::string>> activations_;
  bool fuse_activation_;
  FlagChoice passive_, swish_, mish_;
  bool relu_clip_;
};
HALFTONE_PASS(QuantizeFusion)

}  // namespace halftone::passes
