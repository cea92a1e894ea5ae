#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>

#include "pattern_fusion.h"
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
  explicit Fusion(const sdk::Context &ctx) : ctx_(ctx), points_(ctx), nodes_(points_.every_node()) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (i % 64 == 0) ctx.poll(i, nodes_.size());
      const ht_node_rule rule = platform_rule(ctx, nodes_[i]);
      const sdk::Node node = points_.graph.node(nodes_[i]);
      const bool weighted = node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul");
      traits_[nodes_[i]] = {rule.computing != 0 || weighted, rule.passive != 0};
    }
  }

  // Occurrences become one operator. What such an operator absorbs takes part in none of the rules below.
  void fuse_patterns(std::span<const std::string> patterns) {
    const PatternFusion fusion = passes::fuse_patterns(ctx_, points_, patterns);
    report_patterns(ctx_, patterns, fusion);
    std::erase_if(nodes_, [&](ht_handle node) { return fusion.absorbed.count(node) != 0; });
    for (const ht_handle node : fusion.absorbed) traits_.erase(node);
  }

  // Conv -> Relu: nothing is quantized between them.
  std::size_t fuse_activations(const std::vector<std::string> &types) const {
    std::size_t fused = 0;
    for (const ht_handle handle : nodes_) {
      if (!traits_.at(handle).computing) continue;
      const auto act = only_reader(points_.graph.node(handle).output(0));
      if (!act || is_absorbed(*act) || !points_.graph.node(*act).domain().empty()) continue;
      if (contains(types, points_.graph.node(*act).op_type())) fused += fuse_chain(handle, 0, *act) ? 1 : 0;
    }
    return fused;
  }

  // A gate that is written as a pattern with the name x for its input: behind a computing operator that nothing else
  // reads, the whole is one operator.
  std::size_t fuse_gates(std::string_view pattern) const {
    std::size_t fused = 0;
    for (const ht_handle graph : points_.graph.graphs()) {
      for (const sdk::PatternMatch &match : sdk::Patterns(ctx_).find(std::array{pattern}, graph)) {
        fused += fuse_gate(match) ? 1 : 0;
      }
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
      const auto traits = traits_.find(value.info.producer);  // none: absorbed
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

  bool is_absorbed(ht_handle node) const { return traits_.count(node) == 0; }

  // The one node that reads a value, as its input 0; nothing else sees the value.
  std::optional<ht_handle> only_reader(ht_handle value) const {
    if (value == HT_NONE) return std::nullopt;
    const auto use = points_.graph.sole_consumer(value);
    if (!use || use->slot != 0) return std::nullopt;
    // A body runs at another time than what it reads is made, or never.
    if (points_.graph.node(use->node).graph() != points_.graph.value(value).info.graph) return std::nullopt;
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

  bool fuse_gate(const sdk::PatternMatch &match) const {
    const sdk::Value x = points_.graph.value(match.value("x"));
    const auto absorbed = [&](ht_handle node) { return is_absorbed(node); };
    if (x.info.producer == HT_NONE || absorbed(x.info.producer)) return false;
    if (std::ranges::any_of(match.nodes(), absorbed) || !traits_.at(x.info.producer).computing) return false;
    if (x.is_output() || x.info.consumer_count != 2) return false;
    const ht_handle out = points_.configs.output(match.root(), 0);
    const ht_handle before = points_.producer_config(x.handle);
    if (points_.root_state(before) == HT_STATE_FP32 || points_.root_state(out) == HT_STATE_FP32) return false;
    const std::string reason = fused_into(points_.graph.node(match.root()));
    for (const ht_handle end : ends_of(points_, x.handle)) points_.join(end, out, reason);
    for (const ht_handle value : match.inner()) {
      for (const ht_handle end : ends_of(points_, value)) points_.join(end, out, reason);
    }
    return true;
  }

  const sdk::Context &ctx_;
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
            "- occurrences of the patterns, those with more operators first (docs/patterns.md); nothing is fused where "
            "the root or an inner value is in float, or the root has several outputs;\n"
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
    d.params
        .optional_texts(
            "patterns",
            "patterns of operators that the device computes as one, such as \"y = Relu(Add(_, _))\"; absent: "
            "the platform's fusion.patterns")
        .fusions()
        .optional_texts("activations", "operators that fuse with a computing operator; absent: the platform's list")
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
    if (args.has("patterns")) patterns_ = args.texts("patterns");
  }

  void run(const sdk::Context &ctx) override {
    constexpr std::string_view kSwish = "Mul(x, Sigmoid(x))", kMish = "Mul(x, Tanh(Softplus(x)))";
    const auto types = texts(ctx, activations_, "fusion.activations");
    Fusion fusion(ctx);
    fusion.fuse_patterns(texts(ctx, patterns_, "fusion.patterns"));
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
  using Texts = std::optional<std::vector<std::string>>;

  // A list of the pass where it was given, else the platform's.
  static std::vector<std::string> texts(const sdk::Context &ctx, const Texts &given, std::string_view option) {
    return given ? *given : platform_texts(ctx, option).value_or(std::vector<std::string>{});
  }

  Texts activations_, patterns_;
  bool fuse_activation_;
  FlagChoice passive_, swish_, mish_;
  bool relu_clip_;
};
HALFTONE_PASS(QuantizeFusion)

}  // namespace halftone::passes
