#include "core/pipeline/platform_descriptor.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/base/shape.h"
#include "core/pattern/pattern_setting.h"
#include "core/pipeline/platform_scheme.h"
#include "core/pipeline/platform_shape.h"
#include "core/pipeline/yaml_setting.h"

namespace halftone::pipeline {
namespace {

constexpr std::string_view kFloat = "fp32";

std::uint32_t slot_number(const std::string &key, const Setting &value, std::string_view what) {
  const bool digits = !key.empty() && key.size() <= 3 &&
                      std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) fail(Status::kInvalidArgument, "{}: '{}' in {} is no slot number", value.key_where.text(), key, what);
  return static_cast<std::uint32_t>(std::stoul(key));
}

// Of a descriptor whose shape was checked.
class DescriptorReader {
 public:
  explicit DescriptorReader(Setting root) { out_.root = std::move(root); }

  PlatformDescriptor read() {
    out_.id = text_at(out_.root, "id");
    out_.title = text_at(out_.root, "title");
    out_.doc = text_at(out_.root, "doc");
    read_types(*given(out_.root, "types"));
    for (const Setting &rule : given(out_.root, "operators")->list()) out_.operators.push_back(read_rule(rule));
    read_costs();
    check_patterns();
    if (const Setting *fusions = given(out_.root, "fusions")) out_.fusions = read_fusions(*fusions, out_);
    check_pipeline();
    return std::move(out_);
  }

 private:
  void read_types(const Setting &types) {
    for (const auto &[name, setting] : types.map()) {
      if (name == kFloat) {
        fail(Status::kInvalidArgument, "{}: the name 'fp32' stands for float and cannot be a type",
             setting.key_where.text());
      }
      if (setting.is_map()) out_.types[name] = read_scheme(setting, "`types." + name + "`");
    }
    out_.bias_in_float = out_.types.count("bias") == 0;
  }

  OperatorRule read_rule(const Setting &setting) {
    OperatorRule rule;
    rule.types = texts_of(*given(setting, "types"));
    if (given(setting, "computing") != nullptr) rule.computing = flag_at(setting, "computing", false);
    if (given(setting, "passive") != nullptr) rule.passive = flag_at(setting, "passive", false);
    if (const Setting *s = given(setting, "float")) rule.float_reason = s->text;
    if (const Setting *s = given(setting, "when")) rule.when = read_condition(*s);
    if (const Setting *s = given(setting, "inputs")) read_slots(*s, "`inputs`", rule.inputs, rule.all_inputs);
    if (const Setting *s = given(setting, "outputs")) read_slots(*s, "`outputs`", rule.outputs, rule.all_outputs);
    if (const Setting *s = given(setting, "cost")) rule.cost = read_cost(*s);
    return rule;
  }

  void read_slots(const Setting &setting, std::string_view what, std::map<std::uint32_t, SlotScheme> &slots,
                  std::optional<SlotScheme> &all) const {
    if (!setting.is_map()) {
      all = read_slot(setting);
      return;
    }
    for (const auto &[key, value] : setting.map()) slots[slot_number(key, value, what)] = read_slot(value);
  }

  SlotScheme read_slot(const Setting &setting) const {
    SlotScheme out;
    const Setting &name = setting.is_map() ? *given(setting, "type") : setting;
    if (given(setting, "axis") != nullptr) out.axis = static_cast<std::int32_t>(integer_at(setting, "axis", 0));
    const std::string type = name.text;
    if (type == kFloat || (type == "bias" && out_.bias_in_float)) return out;
    if (out_.types.count(type) == 0) {
      std::vector<std::string> known{std::string(kFloat)};
      for (const auto &entry : out_.types) known.push_back(entry.first);
      fail(Status::kInvalidArgument, "{}: no type '{}' under 'types'{}; known: {}", name.where.text(), type,
           nearest_hint(type, known), fmt::join(known, ", "));
    }
    out.type = type;
    return out;
  }

  static std::vector<std::uint32_t> slot_list(const Setting &setting) {
    std::vector<std::uint32_t> out;
    for (const double slot : numbers_of(setting)) out.push_back(static_cast<std::uint32_t>(slot));
    return out;
  }

  // Everything that is not a word of ours is the name of an attribute.
  static Condition read_condition(const Setting &setting) {
    Condition out;
    for (const auto &[key, value] : setting.map()) {
      if (key == "kernel") {
        out.kernel = numbers_of(value);
      } else if (key == "constant_input") {
        out.constant_inputs = slot_list(value);
      } else if (key == "dynamic_input") {
        out.dynamic_inputs = slot_list(value);
      } else if (key == "input_rank") {
        for (const auto &[slot, rank] : value.map())
          out.input_rank[slot_number(slot, rank, "`when.input_rank`")] = std::get<std::int64_t>(rank.value);
      } else if (key == "min_opset") {
        out.min_opset = integer_at(setting, key, 0);
      } else {
        out.attributes.push_back(read_attribute(key, value));
      }
    }
    return out;
  }

  static AttributeCondition read_attribute(const std::string &key, const Setting &value) {
    if (value.is_list()) return {key, numbers_of(value)};
    if (std::holds_alternative<std::string>(value.value)) return {key, value.text};
    check_shape(value, shape::number(), "`when." + key + "`");
    return {key, number_of(value)};
  }

  void read_costs() {
    if (const Setting *cost = given(out_.root, "cost")) {
      out_.cost_unit = text_at(*cost, "unit");
      if (const Setting *in_float = given(*cost, "float")) out_.cost_in_float = read_cost(*in_float);
      return;
    }
    for (const Setting &rule : given(out_.root, "operators")->list()) {
      const Setting *hint = given(rule, "cost");
      if (hint == nullptr) continue;
      fail(Status::kInvalidArgument,
           "{}: a rule has a cost, and nothing says in which unit; add `cost: {{unit: cycles}}`", hint->where.text());
    }
  }

  void check_patterns() const {
    const Setting *fusion = given(out_.root, "fusion");
    const Setting *patterns = fusion == nullptr ? nullptr : given(*fusion, "patterns");
    constexpr std::string_view kWhat = "'fusion.patterns'";
    if (patterns == nullptr) return;
    if (!patterns->is_list()) return pattern::check_setting(*patterns, kWhat, pattern::Use::kFusion);
    for (const Setting &item : patterns->list()) pattern::check_setting(item, kWhat, pattern::Use::kFusion);
  }

  void check_pipeline() const {
    const Setting *pipeline = given(out_.root, "pipeline");
    if (pipeline == nullptr) return;
    for (const Setting &pass : pipeline->list()) {
      if (!pass.is_map() || pass.map().size() == 1) continue;
      fail(Status::kInvalidArgument, "{}: a pass is a name, or one name with its parameters", pass.where.text());
    }
  }

  PlatformDescriptor out_;
};

}  // namespace

std::vector<std::string> PlatformDescriptor::known_types() const {
  std::set<std::string> names;
  for (const OperatorRule &rule : operators) names.insert(rule.types.begin(), rule.types.end());
  return {names.begin(), names.end()};
}

void PlatformDescriptor::set_dispatcher(const std::string &name) {
  auto &map = std::get<Setting::Map>(root.value);
  std::erase_if(map, [](const auto &entry) { return entry.first == "dispatcher"; });
  Setting setting;
  setting.value = name;
  setting.text = name;
  map.emplace_back("dispatcher", std::move(setting));
}

const Setting *PlatformDescriptor::option(std::string_view dotted) const {
  const Setting *at = &root;
  for (std::size_t begin = 0; at != nullptr && begin <= dotted.size();) {
    const std::size_t end = std::min(dotted.find('.', begin), dotted.size());
    at = at->find(dotted.substr(begin, end - begin));
    begin = end + 1;
  }
  return at;
}

PlatformDescriptor read_platform(const Setting &root, const Setting &wanted) {
  require_version(root, "halftone-platform", kPlatformVersion);
  check_shape(root, platform_shape(), "the platform descriptor");
  const std::vector<PlatformSetting> settings = read_platform_settings(root);
  for (Setting &variant : each_variant(root)) (void)DescriptorReader(std::move(variant)).read();
  ChosenVariants choice = choose_variants(root, settings, wanted, text_at(root, "id"));
  PlatformDescriptor out = DescriptorReader(std::move(choice.root)).read();
  out.settings = settings;
  out.chosen = std::move(choice.chosen);
  out.notes = std::move(choice.notes);
  return out;
}

PlatformDescriptor parse_platform(std::string_view yaml, std::string_view name, const Setting &wanted) {
  return read_platform(parse_yaml(yaml, name), wanted);
}

PlatformDescriptor parse_platform_file(const std::filesystem::path &path, const Setting &wanted) {
  return read_platform(parse_yaml_file(path), wanted);
}

}  // namespace halftone::pipeline
