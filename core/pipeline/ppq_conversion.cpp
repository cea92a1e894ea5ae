#include "core/pipeline/ppq_conversion.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/ranges.h>

#include "core/host/arguments.h"
#include "core/host/schema.h"
#include "core/pipeline/pipeline_spec.h"
#include "core/pipeline/ppq_setting_map.h"
#include "core/pipeline/yaml_scalar.h"

namespace halftone::pipeline {

namespace {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(at, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

void put(Setting &map, const std::string &name, Setting value) {
  if (!map.is_map()) map.value = Setting::Map{};
  auto &entries = std::get<Setting::Map>(map.value);
  std::erase_if(entries, [&](const auto &entry) { return entry.first == name; });
  entries.emplace_back(name, std::move(value));
}

class Converter {
 public:
  Converter(const PpqSetting &setting, const PpqTarget &target, const host::Registry &registry)
      : setting_(setting), target_(target), registry_(registry) {
    if (target_.platform && target_.platform->pipeline() != nullptr)
      platform_passes_ = parse_passes(*target_.platform->pipeline());
  }

  PpqConversion convert() {
    tell_version();
    tell_unused();
    convert_dispatch(setting_, target_, out_);
    for (const PpqPass &rule : ppq_passes()) add(rule);
    add_extras();
    drop_unfounded();
    return std::move(out_);
  }

 private:
  // To the terminal, with the place in the setting where there is one.
  void warn(const Location &where, const std::string &text) {
    out_.warnings.push_back(where.file.empty() ? text : where.text() + ": " + text);
  }
  void warn_of(std::string_view key, const std::string &text) {
    const Setting *written = setting_.written(key);
    warn(written == nullptr ? Location{} : written->key_where, text);
  }

  void tell_version() {
    const Setting *version = setting_.written("version");
    if (version == nullptr) {
      warn({}, setting_.where().file +
                   ": the setting does not say which version of PPQ wrote it; keys that it does not "
                   "have get the defaults of 0.6.6");
    } else if (version->text < "0.6.6") {
      warn(version->where,
           fmt::format("written by PPQ {}; keys that it does not have get the defaults of 0.6.6", version->text));
    }
  }

  bool is_on(std::string_view flags) const {
    return std::ranges::all_of(split(flags, '&'), [&](const std::string &flag) { return setting_.flag(flag); });
  }

  // Keys that neither PPQ 0.6.6 nor this has a use for.
  void tell_unused() {
    std::vector<std::string> older;
    for (const PpqKey &key : ppq_keys()) {
      const Setting *written = setting_.written(key.path);
      if (key.effect.empty() || written == nullptr) continue;
      if (key.kind == PpqKind::kOld) {
        const bool off = key.path.find('.') == std::string_view::npos && written->text == "false";
        if (!off && group_is_on(key.path)) older.emplace_back(key.path);
      } else if (setting_.differs(key.path) && group_is_on(key.path)) {
        warn(written->key_where, fmt::format("`{}` has no effect: {}", key.path, key.effect));
      }
    }
    if (!older.empty()) {
      warn({},
           fmt::format("{}: left out, because PPQ 0.6.6 does not read {} of older versions: {}", setting_.where().file,
                       older.size() == 1 ? "this key" : "these keys", fmt::join(older, ", ")));
    }
  }
  bool group_is_on(std::string_view path) const {
    const auto group = std::ranges::find(ppq_keys(), path.substr(0, path.find('.')), &PpqKey::path);
    return group == ppq_keys().end() || group->kind != PpqKind::kGroup || is_on(group->deflt);
  }

  // ---- passes

  const host::Component *find(std::string_view names, std::string &id) const {
    const std::vector<std::string> ids = split(names, '|');
    for (const std::string &name : ids) {
      id = name;
      if (const host::Component *component = registry_.find(HT_KIND_PASS, name)) return component;
    }
    id = ids.front();
    return nullptr;
  }

  void add(const PpqPass &rule) {
    if (rule.implied && !says_something(rule)) return;
    if (!is_on(rule.flags)) {
      for (const std::string &id : split(rule.names, '|')) off_.insert(id);
      return;
    }
    ConvertedPass pass;
    const host::Component *component = find(rule.names, pass.id);
    pass.counterpart = rule.counterpart;
    pass.settings.where = Location{setting_.where().file, 0, 0};
    for (const PassStep &step : platform_passes_) {
      if (step.id == pass.id && step.settings.is_map()) pass.settings = step.settings;
    }
    for (const PpqParameter &parameter : rule.parameters) add(parameter, component, pass);
    if (target_.alike) add_likeness(rule, component, pass);
    tell_own_rules(rule, pass);
    tell_observer(rule, pass);
    tell_effects(rule, pass);
    decide(rule, component, pass);
    if (pass.live) {
      const ht_component &d = *component->description;
      (void)host::Arguments(d.params, d.param_count, pass.settings.is_map() ? &pass.settings : nullptr,
                            "pass '" + pass.id + "'");
    }
    out_.passes.push_back(std::move(pass));
  }

  bool says_something(const PpqPass &rule) const {
    if (registry_.find(HT_KIND_PASS, rule.names) == nullptr) return false;
    return target_.alike || std::ranges::find(platform_passes_, rule.names, &PassStep::id) != platform_passes_.end();
  }

  bool writes(const PpqParameter &parameter) const {
    if (parameter.write == PpqWrite::kAlways || setting_.differs(parameter.key)) return true;
    return parameter.write == PpqWrite::kPlatform && (target_.alike || !target_.platform);
  }

  // The name by which the pass has the parameter; empty when it has none.
  static std::string parameter_name(const host::Component *component, std::string_view names) {
    const std::vector<std::string> wanted = split(names, '|');
    if (component == nullptr) return wanted.front();
    const ht_component &d = *component->description;
    const std::vector<std::string> known = host::Schema(d.params, d.param_count).names();
    const auto found = std::ranges::find_if(
        wanted, [&](const std::string &name) { return std::ranges::find(known, name) != known.end(); });
    return found == wanted.end() ? std::string() : *found;
  }

  void add(const PpqParameter &parameter, const host::Component *component, ConvertedPass &pass) {
    Setting value = our_value(setting_.value(parameter.key), parameter.form);
    if (value.is_null() || !writes(parameter)) return;
    if (parameter.form == PpqForm::kObserver && registry_.find(HT_KIND_OBSERVER, value.text) == nullptr) {
      pass.comments.push_back(fmt::format("the observer {} is not there; the platform's choice is taken", value.text));
      warn_of(parameter.key, pass.comments.back());
      return;
    }
    const std::string name = parameter_name(component, parameter.names);
    if (!name.empty()) return put(pass.settings, name, std::move(value));
    pass.comments.push_back(fmt::format("it has nothing for `{}` ({})", parameter.key, value.text));
    if (setting_.differs(parameter.key)) warn_of(parameter.key, pass.id + ": " + pass.comments.back());
  }

  void add_likeness(const PpqPass &rule, const host::Component *component, ConvertedPass &pass) {
    for (const PpqLikeness &likeness : rule.likeness) {
      const std::string name = parameter_name(component, likeness.parameter);
      const bool batch = likeness.value == "{batch}";
      if (name.empty()) continue;
      put(pass.settings, name, plain_scalar(batch ? std::to_string(target_.batch) : std::string(likeness.value)));
      if (!batch || target_.batch_given || !averages()) continue;
      pass.comments.push_back(
          fmt::format("group: PPQ averages percentiles over its batches; that they had {} samples is a guess, which "
                      "--ppq-batch N replaces",
                      target_.batch));
      warn({}, pass.id + ": " + pass.comments.back());
    }
  }
  // Whether batches count: with percentiles, which are also what PPQ's quantizers choose.
  bool averages() const {
    const Setting value = our_value(setting_.value("quantize_activation_setting.calib_algorithm"), PpqForm::kObserver);
    return value.is_null() || value.text == "percentile";
  }

  // Where our platform has a rule of its own in place of PPQ's default.
  void tell_own_rules(const PpqPass &rule, ConvertedPass &pass) {
    std::vector<std::string> rules;
    for (const PpqParameter &parameter : rule.parameters) {
      if (parameter.write != PpqWrite::kPlatform || writes(parameter)) continue;
      const Setting *own = target_.platform->option(parameter.option);
      const std::string theirs = our_value(setting_.value(parameter.key), parameter.form).text;
      if (own == nullptr || own->text == theirs) continue;
      rules.push_back(fmt::format("{}: {} (PPQ: {})", parameter.names, own->text, theirs));
    }
    if (rules.empty()) return;
    pass.comments.push_back(fmt::format("{} has rules of its own; for PPQ's write them as parameters: {}",
                                        target_.platform->id, fmt::join(rules, ", ")));
    warn({}, pass.id + ": " + pass.comments.back());
  }

  void tell_observer(const PpqPass &rule, ConvertedPass &pass) {
    if (target_.alike) return;
    for (const PpqParameter &parameter : rule.parameters) {
      if (parameter.form != PpqForm::kObserver) continue;
      const Setting value = our_value(setting_.value(parameter.key), parameter.form);
      if (value.is_null()) {
        pass.comments.emplace_back("the algorithm is the platform's choice, as it is the quantizer's in PPQ");
      } else if (value.text == "percentile" && pass.id == "runtime-calibration") {
        pass.comments.emplace_back(
            "one percentile over all samples; PPQ averages those of its batches: `group: 32` for batches of 32");
      } else if (value.text == "kl" || value.text == "mse") {
        pass.comments.push_back(value.text + " searches more finely than PPQ's (docs/from-ppq.md)");
      }
    }
  }

  // Keys of the pass that mean nothing here.
  void tell_effects(const PpqPass &rule, ConvertedPass &pass) {
    if (rule.flags.empty() || rule.parameters.empty()) return;
    const std::string_view path = rule.parameters.front().key;
    const std::string prefix(path.substr(0, path.find('.') + 1));
    for (const PpqKey &key : ppq_keys()) {
      if (!key.path.starts_with(prefix) || key.effect.empty() || key.kind == PpqKind::kOld) continue;
      pass.comments.push_back(fmt::format("{}: {}", key.path.substr(prefix.size()), key.effect));
    }
  }

  // Whether the pass can be, and what to tell when it cannot.
  void decide(const PpqPass &rule, const host::Component *component, ConvertedPass &pass) {
    const std::string flag = split(rule.flags, '&').empty() ? "" : split(rule.flags, '&').front();
    std::string why;
    if (rule.use == PpqUse::kNone) {
      why = rule.remark;
    } else if (rule.use == PpqUse::kByHand) {
      why = "PPQ 0.6.6 does nothing for this key but warn; take the # away to have it";
    } else if (!rule.layers.empty() && our_value(setting_.value(rule.layers), PpqForm::kNames).is_null()) {
      why = "PPQ refuses it without names of layers; name some in `layers` and take the # away";
    } else if (component == nullptr) {
      why = "this build has no such pass";
    }
    pass.live = why.empty();
    if (pass.live) return;
    if (rule.use == PpqUse::kNone) pass.id.clear();
    pass.comments.insert(pass.comments.begin(), why);
    warn_of(flag, fmt::format("`{}` is left out: {}", flag, why));
  }

  // ---- what only our platforms have

  void add_extras() {
    for (std::size_t i = 0; i < platform_passes_.size(); ++i) {
      const PassStep &step = platform_passes_[i];
      if (off_.contains(step.id) || std::ranges::find(out_.passes, step.id, &ConvertedPass::id) != out_.passes.end())
        continue;
      const auto extra = std::ranges::find(ppq_extras(), step.id, &PpqExtra::pass);
      if (extra != ppq_extras().end() && setting_.differs(extra->unless)) continue;
      auto at = out_.passes.begin();
      for (std::size_t before = i; before > 0 && at == out_.passes.begin(); --before) {
        const auto found = std::ranges::find(out_.passes, platform_passes_[before - 1].id, &ConvertedPass::id);
        if (found != out_.passes.end()) at = found + 1;
      }
      out_.passes.insert(at, {step.id, step.settings, "", {"PPQ has none; of " + target_.platform->id}, true});
    }
  }

  // A pass that needs what a pass establishes that the setting switches off.
  void drop_unfounded() {
    std::map<std::string, std::string> missing;  // fact to the pass that is off
    for (const std::string &id : off_) {
      const host::Component *component = registry_.find(HT_KIND_PASS, id);
      for (std::uint64_t i = 0; component != nullptr && i < component->description->provide_count; ++i)
        missing.emplace(component->description->provides[i], id);
    }
    for (ConvertedPass &pass : out_.passes) {
      const host::Component *component = pass.live ? registry_.find(HT_KIND_PASS, pass.id) : nullptr;
      for (std::uint64_t i = 0; component != nullptr && i < component->description->after_count; ++i) {
        const auto off = missing.find(component->description->after[i]);
        if (off == missing.end()) continue;
        pass.live = false;
        pass.comments.insert(pass.comments.begin(), "it needs " + off->second + ", which the setting switches off");
        warn({}, fmt::format("{} is left out: {}", pass.id, pass.comments.front()));
        break;
      }
    }
  }

  const PpqSetting &setting_;
  const PpqTarget &target_;
  const host::Registry &registry_;
  std::vector<PassStep> platform_passes_;
  std::set<std::string> off_;
  PpqConversion out_;
};

}  // namespace

PpqConversion convert_ppq(const PpqSetting &setting, const PpqTarget &target, const host::Registry &registry) {
  return Converter(setting, target, registry).convert();
}

}  // namespace halftone::pipeline
