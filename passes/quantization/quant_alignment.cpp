#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "halftone/fusion.hpp"
#include "platform_options.h"
#include "shared_scale.h"

namespace halftone::passes {
namespace {

enum class Method { kNone, kToLarge, kToOutput, kToInput };

struct Family {
  const char *name;
  const char *option;
  const char *doc;
  std::array<std::string_view, 3> types;  // empty where there are fewer
};
const std::array<Family, 4> kFamilies = {{
    {"elementwise", "alignment.elementwise", "Add, Sub and Sum", {{"Add", "Sub", "Sum"}}},
    {"concat", "alignment.concat", "Concat", {{"Concat", "", ""}}},
    {"pooling", "alignment.pooling", "AveragePool and GlobalAveragePool", {{"AveragePool", "GlobalAveragePool", ""}}},
    {"resize", "alignment.resize", "Resize and Upsample", {{"Resize", "Upsample", ""}}},
}};

std::optional<Method> find_method(std::string_view text) {
  if (text == "none") return Method::kNone;
  if (text == "to_large") return Method::kToLarge;
  if (text == "to_output") return Method::kToOutput;
  if (text == "to_input") return Method::kToInput;
  return std::nullopt;
}

Method method_named(const std::string &text, const char *option) {
  if (const auto method = find_method(text)) return *method;
  throw sdk::Failure(HT_INVALID_ARGUMENT, "the platform's option '" + std::string(option) + "' is '" + text +
                                              "'; it may be none, to_large, to_output or to_input");
}

// What a user decides about single nodes.
struct NodeMethod {
  std::string pattern;  // of names, as a shell's
  Method method = Method::kNone;
};

NodeMethod node_method(const std::string &entry) {
  const std::size_t equals = entry.rfind('=');
  const auto method = equals == std::string::npos ? std::nullopt : find_method(entry.substr(equals + 1));
  if (method && equals > 0) return {entry.substr(0, equals), *method};
  throw sdk::Failure(HT_INVALID_ARGUMENT, "'" + entry +
                                              "' in `nodes` is not NAME=METHOD; the method may be none, to_large, "
                                              "to_output or to_input");
}

// The work of one run.
class Alignment {
 public:
  Alignment(const sdk::Context &ctx, bool force, bool full, bool one_hop)
      : ctx_(ctx), points_(ctx), sharing_(points_, force, one_hop), full_(full) {}

  const QuantizationPoints &points() const { return points_; }

  // Gives configs of inputs and outputs one scale that covers them all, as a fusion wants it.
  bool share(const std::vector<ht_handle> &group) {
    std::vector<ht_handle> inputs, outputs;
    for (const ht_handle config : group) {
      if (!is_adjustable(config)) continue;
      const bool is_input = points_.configs.info(config).direction == HT_SLOT_INPUT;
      (is_input ? inputs : outputs).push_back(config);
    }
    std::vector<ht_handle> all = inputs;
    all.insert(all.end(), outputs.begin(), outputs.end());
    if (all.size() < 2 || inputs.empty() || !can_share(all) || has_pinned(all)) return false;
    const std::string reason = "shared by a fusion";
    const ht_quant_spec spec = points_.configs.info(all.front()).spec;
    const Codes shared =
        shared_codes(spec, codes_of(all), full_, [&](CodeRange range) { return codes_for(spec, range); });
    sharing_.lead(inputs.front(), shared, reason + ": the range of all values");
    for (std::size_t i = 1; i < inputs.size(); ++i) sharing_.follow(inputs[i], inputs.front(), reason);
    for (const ht_handle out : outputs) {
      const ht_handle root = points_.root(out);
      if (points_.source(root) != inputs.front()) points_.configs.set_master(root, inputs.front(), reason);
    }
    return true;
  }

  // False when the node's configs do not allow it.
  bool align(ht_handle node, Method method, bool elementwise) {
    const sdk::Node at = points_.graph.node(node);
    const std::string reason = "aligned at " + std::string(at.op_type()) + " '" + std::string(at.name()) + "'";
    const std::vector<ht_handle> inputs = live_inputs(node);
    if (inputs.empty()) return false;
    switch (method) {
      case Method::kToLarge:
        return to_large(inputs, reason);
      case Method::kToOutput:
        return to_output(node, inputs, elementwise, reason);
      case Method::kToInput:
        return to_input(node, inputs.front(), reason);
      case Method::kNone:
        break;
    }
    return false;
  }

 private:
  // Inputs that are quantized, with scales that may still change.
  std::vector<ht_handle> live_inputs(ht_handle node) const {
    std::vector<ht_handle> live;
    for (std::uint32_t slot = 0; slot < points_.graph.node(node).inputs().size(); ++slot) {
      const ht_handle config = points_.configs.input(node, slot);
      if (config != HT_NONE && is_adjustable(config)) live.push_back(config);
    }
    return live;
  }
  bool is_adjustable(ht_handle config) const {
    const std::uint32_t own = points_.configs.state(config);
    if (own == HT_STATE_FP32 || own == HT_STATE_BAKED || own == HT_STATE_PASSIVE_BAKED) return false;
    return is_live(points_.root_state(config)) && points_.configs.info(config).scale_count > 0;
  }
  bool has_pinned(std::span<const ht_handle> configs) const {
    return std::ranges::any_of(configs, [&](ht_handle config) { return points_.is_pinned(config); });
  }
  // One integer scheme, one scale each.
  bool can_share(std::span<const ht_handle> configs) const {
    const ht_quant_spec first = points_.configs.info(configs.front()).spec;
    return std::all_of(configs.begin(), configs.end(), [&](ht_handle config) {
      const ht_config_info info = points_.configs.info(config);
      return info.spec.kind == HT_QUANT_INTEGER && info.scale_count == 1 && info.spec.granularity == HT_PER_TENSOR &&
             same_scheme(info.spec, first);
    });
  }

  std::vector<Codes> codes_of(const std::vector<ht_handle> &configs) const {
    std::vector<Codes> codes;
    for (const ht_handle config : configs) {
      const ht_config_info info = points_.configs.info(config);
      codes.push_back({info.scales[0], info.zero_points[0]});
    }
    return codes;
  }

  bool to_large(const std::vector<ht_handle> &inputs, const std::string &reason) {
    if (!can_share(inputs)) return false;
    const ht_handle source = points_.source(inputs.front());
    const auto has_source = [&](ht_handle config) { return points_.source(config) == source; };
    if (std::all_of(inputs.begin(), inputs.end(), has_source)) return true;
    if (has_pinned(inputs)) return to_pinned(inputs, reason);
    const std::vector<Codes> codes = codes_of(inputs);
    const ht_quant_spec spec = points_.configs.info(inputs.front()).spec;
    const Codes shared = shared_codes(spec, codes, full_, [&](CodeRange range) { return codes_for(spec, range); });
    sharing_.lead(inputs.front(), shared, reason + ": the range of all inputs");
    for (std::size_t i = 1; i < inputs.size(); ++i) sharing_.follow(inputs[i], inputs.front(), reason);
    return true;
  }

  // The scale that a fusion gives to one of the inputs is that of all; two such scales cannot be brought together.
  bool to_pinned(const std::vector<ht_handle> &inputs, const std::string &reason) {
    const auto is_pinned = [&](ht_handle config) { return points_.is_pinned(config); };
    const ht_handle fixed = *std::ranges::find_if(inputs, is_pinned);
    const std::vector<Codes> codes = codes_of(inputs);
    const Codes wanted = codes_of({fixed}).front();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (is_pinned(inputs[i]) && codes[i] != wanted) return false;
    }
    for (const ht_handle config : inputs) {
      if (!is_pinned(config)) sharing_.follow(config, fixed, reason + ": the scale that a fusion gives");
    }
    return true;
  }

  Codes codes_for(const ht_quant_spec &spec, CodeRange range) const {
    Codes codes;
    sdk::check(ctx_.host.arithmetic->scale_from_range(ctx_.raw, &spec, static_cast<float>(range.low),
                                                      static_cast<float>(range.high), &codes.scale, &codes.zero_point));
    return codes;
  }

  bool to_output(ht_handle node, const std::vector<ht_handle> &inputs, bool elementwise, const std::string &reason) {
    const ht_handle out = points_.configs.output(node, 0);
    if (out == HT_NONE || !is_adjustable(out)) return false;
    std::vector<ht_handle> all = inputs;
    all.push_back(out);
    if (!can_share(all)) return false;
    const auto keeps_other = [&](ht_handle config) {
      return points_.is_pinned(config) && points_.source(config) != points_.source(out);
    };
    if (std::ranges::any_of(inputs, keeps_other)) return false;
    // After fusion with a Relu the output's range may lack the negative side, which a sum still needs of its terms.
    const ht_config_info root = points_.configs.info(points_.root(out));
    if (elementwise && root.spec.symmetry == HT_ASYMMETRIC && root.node != node) return false;
    for (const ht_handle config : inputs) sharing_.follow(config, out, reason);
    return true;
  }

  bool to_input(ht_handle node, ht_handle input, const std::string &reason) const {
    bool aligned = false;
    for (std::uint32_t slot = 0; slot < points_.graph.node(node).outputs().size(); ++slot) {
      const ht_handle out = points_.configs.output(node, slot);
      if (out == HT_NONE || !is_adjustable(out)) continue;
      const std::array both = {input, out};
      const bool same = points_.source(out) == points_.source(input);
      if (!can_share(both) || (!same && points_.is_pinned(out))) continue;
      aligned = true;
      if (!same) points_.configs.set_master(points_.root(out), input, reason);
    }
    return aligned;
  }

  const sdk::Context &ctx_;
  QuantizationPoints points_;
  ScaleSharing sharing_;
  bool full_;
};

}  // namespace

class QuantAlignment final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("quant-alignment")
        .title("gives the inputs and outputs of an operator one scale where the device demands it")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)
        .after({HT_FACT_CONFIGS, HT_FACT_ACTIVATIONS_CALIBRATED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Many devices add, concatenate or resize quantized tensors without rescaling, so that all of them must "
            "have one scale. "
            "For each family of operators the scale is that of the output (to_output), of input 0 (to_input), or one "
            "that covers all "
            "inputs (to_large). `platform` takes what the platform says, and nothing is aligned where it says "
            "nothing.\n"
            "\n"
            "The producer of an aligned input takes the new scale when nothing else reads its value. When something "
            "does, "
            "`force_overlap` decides: without it the producer and the other readers keep their scale and only the "
            "operator's input "
            "changes; with it all of them change, along with what was aligned with them before.\n"
            "\n"
            "Values that a fusion names under `share` (docs/fusions.md) get one scale that covers all of them.\n"
            "\n"
            "Not aligned are inputs of different schemes, per-channel scales, and a sum to an asymmetric output that "
            "is fused with the "
            "operator behind it.\n"
            "\n"
            "PPQ counterpart: QuantAlignmentPass. PPQ takes a symmetric int8 range as 128 * scale, so that each "
            "alignment inflates "
            "the scale by 256/255; `ppq_range` does so for comparisons.");
    for (const Family &family : kFamilies) {
      d.params.choice(family.name, family.doc, "platform", {"platform", "to_large", "to_output", "to_input", "none"});
    }
    d.params
        .optional_texts(
            "nodes",
            "nodes to align in another way than their family, or that belong to none: NAME=METHOD, where the "
            "name may be a pattern such as /head/*; the last match wins")
        .optional_flag("force_overlap",
                       "change the scale of a value everywhere; absent: as the platform says, else false")
        .flag("ppq_range", "let a range of 2^n codes reach its lowest code on both sides, as PPQ does", false)
        .advanced()
        .flag(
            "ppq_reach",
            "where the value comes from an operator that moves data unchanged, give its output the new scale and leave "
            "its input the old one, as PPQ does; devices that only move data cannot do that",
            false)
        .advanced();
  }
  explicit QuantAlignment(const sdk::Args &args)
      : force_(args, "force_overlap"), ppq_range_(args.flag("ppq_range")), ppq_reach_(args.flag("ppq_reach")) {
    for (std::size_t i = 0; i < kFamilies.size(); ++i) given_[i] = args.text(kFamilies[i].name);
    if (!args.has("nodes")) return;
    for (const std::string &entry : args.texts("nodes")) nodes_.push_back(node_method(entry));
  }

  void run(const sdk::Context &ctx) override {
    std::array<Method, kFamilies.size()> methods{};
    for (std::size_t i = 0; i < kFamilies.size(); ++i) {
      const bool ask = given_[i] == "platform";
      methods[i] =
          method_named(ask ? platform_text(ctx, kFamilies[i].option).value_or("none") : given_[i], kFamilies[i].option);
    }
    Alignment alignment(ctx, force_.resolve(ctx, "alignment.force_overlap", false), ppq_range_, ppq_reach_);
    std::array<std::size_t, kFamilies.size()> aligned{};
    std::size_t skipped = 0, by_name = 0;
    const std::vector<ht_handle> nodes = alignment.points().every_node();
    const std::vector<const NodeMethod *> named = methods_by_name(alignment.points().graph, nodes);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i % 64 == 0) ctx.poll(i, nodes.size());
      const auto family = family_of(alignment.points().graph.node(nodes[i]));
      const Method method = named[i] != nullptr ? named[i]->method : family ? methods[*family] : Method::kNone;
      if (method == Method::kNone) continue;
      if (!alignment.align(nodes[i], method, family == std::size_t{0})) {
        ++skipped;
      } else if (named[i] != nullptr) {
        ++by_name;
      } else {
        ++aligned[*family];
      }
    }
    share_in_fusions(ctx, alignment);
    if (by_name > 0) ctx.report("by name", std::to_string(by_name) + " nodes aligned");
    for (std::size_t i = 0; i < kFamilies.size(); ++i) {
      if (aligned[i] > 0) ctx.report(kFamilies[i].name, std::to_string(aligned[i]) + " nodes aligned");
    }
    if (skipped > 0) ctx.report("not aligned", std::to_string(skipped) + " nodes in float or with schemes that differ");
  }

 private:
  // What `share` of a fusion names.
  static void share_in_fusions(const sdk::Context &ctx, Alignment &alignment) {
    std::size_t shared = 0, kept = 0;
    for (const std::vector<ht_handle> &group : sdk::Fusions(ctx).shares()) ++(alignment.share(group) ? shared : kept);
    if (shared > 0) ctx.report("fusions", std::to_string(shared) + " groups of values share a scale");
    if (kept > 0)
      ctx.report("fusions not aligned",
                 std::to_string(kept) + " groups in float, with fixed scales, or with types that differ");
  }

  static std::optional<std::size_t> family_of(const sdk::Node &node) {
    if (!node.domain().empty()) return std::nullopt;
    for (std::size_t i = 0; i < kFamilies.size(); ++i) {
      for (const std::string_view type : kFamilies[i].types) {
        if (node.op_type() == type) return i;
      }
    }
    return std::nullopt;
  }

  // For each node what `nodes` says of it, or null. An entry that matches nothing is a mistake.
  std::vector<const NodeMethod *> methods_by_name(const sdk::Graph &graph, const std::vector<ht_handle> &nodes) const {
    std::vector<const NodeMethod *> found(nodes.size(), nullptr);
    for (const NodeMethod &entry : nodes_) {
      bool any = false;
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (fnmatch(entry.pattern.c_str(), std::string(graph.node(nodes[i]).name()).c_str(), 0) != 0) continue;
        found[i] = &entry;
        any = true;
      }
      if (any) continue;
      throw sdk::Failure(HT_INVALID_ARGUMENT, "`nodes` says how to align '" + entry.pattern +
                                                  "', and no node has such a name; leave the entry out or correct it");
    }
    return found;
  }

  std::array<std::string, kFamilies.size()> given_;
  std::vector<NodeMethod> nodes_;
  FlagChoice force_;
  bool ppq_range_, ppq_reach_;
};
HALFTONE_PASS(QuantAlignment)

}  // namespace halftone::passes
