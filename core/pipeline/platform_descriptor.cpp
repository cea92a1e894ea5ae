#include "core/pipeline/platform_descriptor.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/base/typed_setting.h"
#include "core/pattern/pattern_setting.h"
#include "core/pipeline/platform_scheme.h"
#include "core/pipeline/yaml_setting.h"
#include "halftone/tensor.h"

namespace halftone::pipeline {
namespace {

const std::vector<std::string> kTopKeys = {
    "halftone-platform", "id",         "title",    "doc",    "types", "operators", "fusion",
    "alignment",         "dispatcher", "pipeline", "options"};
const std::vector<std::string> kRuleKeys = {"types", "when",   "computing", "passive",
                                            "float", "inputs", "outputs",   "doc"};
constexpr std::string_view kFloat = "fp32";

std::uint32_t slot_number(const std::string &key, const Setting &value, std::string_view what) {
  const bool digits = !key.empty() && key.size() <= 3 &&
                      std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) fail(Status::kInvalidArgument, "{}: '{}' in {} is no slot number", value.key_where.text(), key, what);
  return static_cast<std::uint32_t>(std::stoul(key));
}

class DescriptorReader {
 public:
  explicit DescriptorReader(Setting root) { out_.root = std::move(root); }

  PlatformDescriptor read() {
    check_keys(out_.root, "a platform descriptor", kTopKeys);
    read_integer(require("halftone-platform", "1"), "'halftone-platform'", 1, 1);
    out_.id = read_text(require("id", "a name such as vendor-int8"), "'id'");
    if (const Setting *title = out_.root.find("title")) out_.title = read_text(*title, "'title'");
    if (const Setting *doc = out_.root.find("doc")) out_.doc = read_text(*doc, "'doc'");
    read_types(require("types", "at least 'activation'"));
    for (const Setting &rule : read_list(require("operators", "a list of rules"), "'operators'")) {
      out_.operators.push_back(read_rule(rule));
    }
    check_fusion();
    check_alignment();
    check_rest();
    return std::move(out_);
  }

 private:
  const Setting &require(std::string_view key, std::string_view what) const {
    const Setting *found = out_.root.find(key);
    if (found == nullptr)
      fail(Status::kInvalidArgument, "{}: key '{}' is missing ({})", out_.root.where.text(), key, what);
    return *found;
  }

  void read_types(const Setting &types) {
    for (const auto &[name, setting] : read_map(types, "'types'")) {
      const bool in_float = std::holds_alternative<std::string>(setting.value) && setting.text == kFloat;
      if (name == kFloat) {
        fail(Status::kInvalidArgument, "{}: the name 'fp32' stands for float and cannot be a type",
             setting.key_where.text());
      }
      if (in_float && name == "bias") continue;
      if (in_float) fail(Status::kInvalidArgument, "{}: only 'bias' may be fp32", setting.where.text());
      out_.types[name] = read_scheme(setting, "'types." + name + "'");
    }
    if (out_.types.count("activation") == 0) {
      fail(Status::kInvalidArgument, "{}: 'types' needs an 'activation'", types.where.text());
    }
    out_.bias_in_float = out_.types.count("bias") == 0;
  }

  OperatorRule read_rule(const Setting &setting) {
    check_keys(setting, "an operator rule", kRuleKeys);
    OperatorRule rule;
    const Setting *types = setting.find("types");
    if (types == nullptr) fail(Status::kInvalidArgument, "{}: the rule names no 'types'", setting.where.text());
    rule.types = read_texts(*types, "'types'");
    if (const Setting *s = setting.find("computing")) rule.computing = read_bool(*s, "'computing'");
    if (const Setting *s = setting.find("passive")) rule.passive = read_bool(*s, "'passive'");
    if (const Setting *s = setting.find("float")) rule.float_reason = read_text(*s, "'float'");
    if (const Setting *s = setting.find("when")) rule.when = read_condition(*s);
    if (const Setting *s = setting.find("inputs")) read_slots(*s, "'inputs'", rule.inputs, rule.all_inputs);
    if (const Setting *s = setting.find("outputs")) read_slots(*s, "'outputs'", rule.outputs, rule.all_outputs);
    return rule;
  }

  void read_slots(const Setting &setting, std::string_view what, std::map<std::uint32_t, SlotScheme> &slots,
                  std::optional<SlotScheme> &all) const {
    if (!setting.is_map()) {
      all = read_slot(setting, what);
      return;
    }
    for (const auto &[key, value] : setting.map()) slots[slot_number(key, value, what)] = read_slot(value, what);
  }

  SlotScheme read_slot(const Setting &setting, std::string_view what) const {
    static const std::vector<std::string> kKeys = {"type", "axis"};
    SlotScheme out;
    const Setting *name = &setting;
    if (setting.is_map()) {
      check_keys(setting, what, kKeys);
      name = setting.find("type");
      if (name == nullptr)
        fail(Status::kInvalidArgument, "{}: a slot of {} needs a 'type'", setting.where.text(), what);
      if (const Setting *axis = setting.find("axis")) {
        out.axis = static_cast<std::int32_t>(read_integer(*axis, "'axis'", 0, HT_MAX_RANK - 1));
      }
    }
    const std::string type = read_text(*name, what);
    if (type == kFloat || (type == "bias" && out_.bias_in_float)) return out;
    if (out_.types.count(type) == 0) {
      std::vector<std::string> known{std::string(kFloat)};
      for (const auto &entry : out_.types) known.push_back(entry.first);
      fail(Status::kInvalidArgument, "{}: no type '{}' under 'types'{}; known: {}", name->where.text(), type,
           nearest_hint(type, known), fmt::join(known, ", "));
    }
    out.type = type;
    return out;
  }

  static std::vector<std::uint32_t> slot_list(const Setting &setting, std::string_view what) {
    std::vector<std::uint32_t> out;
    const auto one = [&](const Setting &s) {
      out.push_back(static_cast<std::uint32_t>(read_integer(s, what, 0, 999)));
    };
    if (!setting.is_list()) {
      one(setting);
      return out;
    }
    for (const Setting &item : setting.list()) one(item);
    return out;
  }

  // Everything that is not a word of ours is the name of an attribute.
  static Condition read_condition(const Setting &setting) {
    Condition out;
    for (const auto &[key, value] : read_map(setting, "'when'")) {
      const std::string what = "'when." + key + "'";
      if (key == "kernel") {
        out.kernel = read_numbers(value, what);
      } else if (key == "constant_input") {
        out.constant_inputs = slot_list(value, what);
      } else if (key == "dynamic_input") {
        out.dynamic_inputs = slot_list(value, what);
      } else if (key == "input_rank") {
        for (const auto &[slot, rank] : read_map(value, what)) {
          out.input_rank[slot_number(slot, rank, what)] = read_integer(rank, what, 0, HT_MAX_RANK);
        }
      } else if (key == "min_opset") {
        out.min_opset = read_integer(value, what, 1, 1000);
      } else if (value.is_list()) {
        out.attributes.push_back({key, read_numbers(value, what)});
      } else if (std::holds_alternative<std::string>(value.value)) {
        out.attributes.push_back({key, value.text});
      } else {
        out.attributes.push_back({key, read_number(value, what)});
      }
    }
    return out;
  }

  void check_fusion() const {
    static const std::vector<std::string> kKeys = {"activations", "passive", "swish", "mish", "patterns"};
    const Setting *fusion = out_.root.find("fusion");
    if (fusion == nullptr) return;
    check_keys(*fusion, "'fusion'", kKeys);
    if (const Setting *s = fusion->find("activations")) read_texts(*s, "'fusion.activations'");
    if (const Setting *s = fusion->find("patterns")) check_patterns(*s);
    for (const char *flag : {"passive", "swish", "mish"}) {
      if (const Setting *s = fusion->find(flag)) read_bool(*s, fmt::format("'fusion.{}'", flag));
    }
  }

  static void check_patterns(const Setting &setting) {
    constexpr std::string_view kWhat = "'fusion.patterns'";
    read_texts(setting, kWhat);
    if (!setting.is_list()) return pattern::check_setting(setting, kWhat);
    for (const Setting &item : setting.list()) pattern::check_setting(item, kWhat);
  }

  void check_alignment() const {
    static const std::vector<std::string> kKeys = {"elementwise", "concat", "pooling", "resize", "force_overlap"};
    const Setting *alignment = out_.root.find("alignment");
    if (alignment == nullptr) return;
    check_keys(*alignment, "'alignment'", kKeys);
    for (const auto &[key, value] : alignment->map()) {
      const std::string what = "'alignment." + key + "'";
      if (key == "force_overlap") {
        read_bool(value, what);
      } else {
        read_choice(value, what, {{"none", 0}, {"to_large", 1}, {"to_output", 2}, {"to_input", 3}});
      }
    }
  }

  void check_rest() const {
    if (const Setting *s = out_.root.find("dispatcher"))
      read_choice(*s, "'dispatcher'", {{"conservative", 0}, {"all", 1}});
    if (const Setting *s = out_.root.find("options")) read_map(*s, "'options'");
    const Setting *pipeline = out_.root.find("pipeline");
    if (pipeline == nullptr) return;
    for (const Setting &pass : read_list(*pipeline, "'pipeline'")) {
      if (pass.is_map() && pass.map().size() == 1) continue;
      if (pass.is_map()) {
        fail(Status::kInvalidArgument, "{}: a pass is a name, or one name with its parameters", pass.where.text());
      }
      read_text(pass, "a pass of 'pipeline'");
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

const Setting *PlatformDescriptor::option(std::string_view dotted) const {
  const Setting *at = &root;
  for (std::size_t begin = 0; at != nullptr && begin <= dotted.size();) {
    const std::size_t end = std::min(dotted.find('.', begin), dotted.size());
    at = at->find(dotted.substr(begin, end - begin));
    begin = end + 1;
  }
  return at;
}

PlatformDescriptor read_platform(Setting root) {
  return DescriptorReader(std::move(root)).read();
}

PlatformDescriptor parse_platform(std::string_view yaml, std::string_view name) {
  return read_platform(parse_yaml(yaml, name));
}

PlatformDescriptor parse_platform_file(const std::filesystem::path &path) {
  return read_platform(parse_yaml_file(path));
}

}  // namespace halftone::pipeline
