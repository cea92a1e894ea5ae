// A platform as data: what its hardware can quantize, and the pipeline that suits it. docs/platforms.md describes the
// file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/setting.h"
#include "core/pipeline/fusion_spec.h"
#include "core/pipeline/platform_cost.h"
#include "core/pipeline/platform_settings.h"
#include "halftone/quant.h"

namespace halftone::pipeline {

// A named type: how values are quantized and which observer finds their range.
struct Scheme {
  ht_quant_spec spec{};
  std::string observer;
  std::map<std::string, std::string> observer_parameters;
};

// What an operator rule says about a slot: a type's name ("" is float), and the axis of its channels where it differs
// from the operator's usual one.
struct SlotScheme {
  std::string type;
  std::optional<std::int32_t> axis;
  bool is_float() const { return type.empty(); }
};

// One demand on an attribute: every entry equals the number, or the whole list does.
struct AttributeCondition {
  std::string name;
  std::variant<double, std::vector<double>, std::string> wanted;
};

struct Condition {
  std::vector<AttributeCondition> attributes;
  std::vector<double> kernel;  // spatial extents of the weight
  std::vector<std::uint32_t> constant_inputs, dynamic_inputs;
  std::map<std::uint32_t, std::int64_t> input_rank;
  std::int64_t min_opset = 0;
};

struct OperatorRule {
  std::vector<std::string> types;  // "Conv", or "com.vendor.Op" for another domain
  Condition when;
  std::optional<bool> passive, computing;
  std::optional<std::string> float_reason;  // set: the operator is left in float, and why
  std::map<std::uint32_t, SlotScheme> inputs, outputs;
  std::optional<SlotScheme> all_inputs, all_outputs;
  CostHint cost;
};

struct PlatformDescriptor {
  std::string id, title, doc;
  std::map<std::string, Scheme> types;
  bool bias_in_float = true;
  std::string cost_unit;                         // empty: the platform gives no costs
  CostHint cost_in_float;                        // of operators that stay in float
  std::vector<OperatorRule> operators;           // in file order; what a later rule says wins
  std::vector<std::string> known_types() const;  // operator types that any rule names, sorted
  Setting root;                     // the whole file with the chosen variants applied; `option` looks things up here
  std::vector<FusionSpec> fusions;  // those of a pipeline first, once a run has added them
  std::vector<PlatformSetting> settings;
  std::vector<std::pair<std::string, std::string>> chosen;  // by setting
  std::vector<std::string> notes;                           // on these choices
  // Null when absent, otherwise a list in the form of a pipeline's `passes:`.
  const Setting *pipeline() const { return root.find("pipeline"); }
  void set_dispatcher(const std::string &name);
  // By dotted name, "fusion.activations".
  const Setting *option(std::string_view dotted) const;
};

// `wanted`: choices for the platform's settings, a map or null. Throws InvalidArgument with file:line:column for
// everything that is not as the format says, in variants that are not chosen too.
PlatformDescriptor parse_platform(std::string_view yaml, std::string_view name, const Setting &wanted = {});
PlatformDescriptor parse_platform_file(const std::filesystem::path &path, const Setting &wanted = {});
PlatformDescriptor read_platform(const Setting &root, const Setting &wanted = {});

}  // namespace halftone::pipeline
