#include "core/pipeline/configs_json.h"
#include "core/model/every_node.h"

#include <nlohmann/json.hpp>

namespace halftone::pipeline {

namespace {

using Json = nlohmann::ordered_json;

std::string upper_state(quant::State state) {
  std::string name(quant::state_name(state));
  for (char &c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

Json policy(const ht_quant_spec &spec) {
  Json list = Json::array();
  list.push_back(spec.granularity == HT_PER_TENSOR
                     ? "PER_TENSOR"
                     : (spec.granularity == HT_PER_CHANNEL ? "PER_CHANNEL" : "PER_BLOCK"));
  list.push_back(spec.kind == HT_QUANT_INTEGER ? "LINEAR" : "FLOATING");
  list.push_back(spec.symmetry == HT_SYMMETRIC ? "SYMMETRICAL" : "ASYMMETRICAL");
  if (spec.scale_form == HT_SCALE_POWER_OF_TWO) list.push_back("POWER_OF_2");
  if (spec.dynamic != 0) list.push_back("DYNAMIC");
  return list;
}

const char *rounding_name(std::uint32_t rounding) {
  switch (rounding) {
    case HT_ROUND_HALF_EVEN:
      return "ROUND_HALF_EVEN";
    case HT_ROUND_HALF_UP:
      return "ROUND_HALF_UP";
    case HT_ROUND_HALF_DOWN:
      return "ROUND_HALF_DOWN";
    case HT_ROUND_HALF_TOWARD_ZERO:
      return "ROUND_HALF_TOWARDS_ZERO";
    case HT_ROUND_HALF_AWAY_FROM_ZERO:
      return "ROUND_HALF_FAR_FORM_ZERO";
    case HT_ROUND_UP:
      return "ROUND_UP";
    default:
      return "ROUND_DOWN";
  }
}

const char *visibility_name(std::uint32_t visibility) {
  switch (visibility) {
    case HT_EXPORT_ALWAYS:
      return "FORCE_EXPORT";
    case HT_EXPORT_NEVER:
      return "INTERNAL";
    default:
      return "EXPORT_WHEN_ACTIVE";
  }
}

model::Handle value_at(const model::Model &m, const quant::SlotKey &key) {
  const model::Node &node = m.node(key.node);
  const auto &slots = key.is_output ? node.outputs : node.inputs;
  return key.slot < slots.size() ? slots[key.slot] : HT_NONE;
}

void add_source(Json &record, const host::WorkingModel &w, model::Handle handle) {
  const model::Handle source = w.configs.source(handle);
  if (source == handle) return;
  const quant::SlotKey &key = w.configs.get(source).key;
  const model::Handle value = value_at(w.model, key);
  record["master_or_dominator"] =
      w.model.node(key.node).name + "/" + (value == HT_NONE ? std::string() : w.model.value(value).name);
  record["master_slot"] = (key.is_output ? "out" : "in") + std::to_string(key.slot);
}

Json slot_record(const host::WorkingModel &w, const quant::SlotKey &key) {
  Json record;
  const model::Handle value = value_at(w.model, key);
  record["var"] = value == HT_NONE ? "" : w.model.value(value).name;
  record["is_parameter"] = value != HT_NONE && w.model.value(value).initializer.has_value();
  const model::Handle handle = w.configs.find(key);
  if (handle == HT_NONE) {
    record["state"] = "FP32";
    record["scale"] = nullptr;
    record["offset"] = nullptr;
    return record;
  }
  const quant::Config &config = w.configs.get(handle);
  record["state"] = upper_state(config.state);
  record["bits"] = config.spec.bits;
  record["policy"] = policy(config.spec);
  record["qmin"] = config.spec.quant_min;
  record["qmax"] = config.spec.quant_max;
  record["rounding"] = rounding_name(config.spec.rounding);
  record["channel_axis"] = config.spec.granularity == HT_PER_TENSOR ? Json(nullptr) : Json(config.spec.axis);
  record["observer"] = config.observer;
  record["visibility"] = visibility_name(config.spec.visibility);
  const auto scales = w.configs.scales(handle);
  const auto zero_points = w.configs.zero_points(handle);
  record["scale"] = scales.empty() ? Json(nullptr) : Json(std::vector<float>(scales.begin(), scales.end()));
  record["offset"] = scales.empty() ? Json(nullptr) : Json(std::vector<float>(zero_points.begin(), zero_points.end()));
  add_source(record, w, handle);
  const quant::Config &origin = w.configs.get(w.configs.source(handle));
  if (!config.reason.empty()) record["reason"] = config.reason;
  if (!origin.provenance.pass.empty()) record["set_by"] = origin.provenance.pass;
  if (!origin.provenance.rule.empty()) record["rule"] = origin.provenance.rule;
  return record;
}

}  // namespace

std::string configs_to_json(const host::WorkingModel &working, const std::string &platform,
                            const PlatformChoices &choices) {
  Json operations = Json::array();
  for (const model::Handle handle : model::every_node(working.model)) {
    const model::Node &node = working.model.node(handle);
    Json operation;
    operation["op"] = node.name;
    operation["type"] = node.op_type;
    const auto reason = working.float_reasons.find(handle);
    operation["quantized"] = reason == working.float_reasons.end();
    const auto dispatch = working.dispatch.find(handle);
    const bool shape = dispatch != working.dispatch.end() && dispatch->second.verdict == HT_DISPATCH_SHAPE;
    operation["platform"] = reason == working.float_reasons.end() ? platform : shape ? "SOI" : "FP32";
    if (reason != working.float_reasons.end()) operation["reason"] = reason->second;
    operation["inputs"] = operation["outputs"] = Json::array();
    for (std::uint32_t i = 0; i < node.inputs.size(); ++i)
      operation["inputs"].push_back(slot_record(working, {handle, false, i}));
    for (std::uint32_t i = 0; i < node.outputs.size(); ++i)
      operation["outputs"].push_back(slot_record(working, {handle, true, i}));
    operations.push_back(std::move(operation));
  }
  Json root;
  root["tool"] = "halftone";
  root["platform"] = platform;
  for (const auto &[setting, choice] : choices) root["platform_settings"][setting] = choice;
  root["operations"] = std::move(operations);
  return root.dump(1) + "\n";
}

}  // namespace halftone::pipeline
