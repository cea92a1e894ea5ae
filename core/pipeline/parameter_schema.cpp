#include "core/pipeline/parameter_schema.h"

#include <cmath>
#include <string>
#include <string_view>

#include "core/base/byte_size.h"
#include "core/host/schema.h"
#include "halftone/reader.h"

namespace halftone::pipeline {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
const T &element(const ht_value &value, std::uint32_t index) {
  return static_cast<const T *>(value.data)[index];
}

Json element_json(std::uint32_t kind, const ht_value &value, std::uint32_t index) {
  switch (kind) {
    case HT_VALUE_F64: {
      const double number = element<double>(value, index);
      return std::isfinite(number) ? Json(number) : Json();
    }
    case HT_VALUE_FLAG:
      return element<std::int64_t>(value, index) != 0;
    case HT_VALUE_STR:
    case HT_VALUE_CHOICE: {
      const ht_str &text = element<ht_str>(value, index);
      return std::string(text.data, static_cast<std::size_t>(text.size));
    }
    default:
      return element<std::int64_t>(value, index);
  }
}

Json default_json(const ht_param &param) {
  if (param.kind == HT_VALUE_MAP) return Json::object();
  if ((param.flags & HT_PARAM_LIST) == 0) return element_json(param.kind, param.deflt, 0);
  Json list = Json::array();
  for (std::uint32_t i = 0; i < param.deflt.count; ++i) list.push_back(element_json(param.kind, param.deflt, i));
  return list;
}

void add_bounds(const ht_param &param, Json &out) {
  const auto bound = [&](const char *key, const ht_value &value) {
    if (value.kind == HT_VALUE_NONE) return;
    if (const Json number = element_json(param.kind, value, 0); !number.is_null()) out[key] = number;
  };
  bound("minimum", param.low);
  bound("maximum", param.high);
}

// One value of the parameter.
Json single(const ht_param &param) {
  switch (param.kind) {
    case HT_VALUE_I64:
    case HT_VALUE_F64: {
      Json out = {{"type", param.kind == HT_VALUE_I64 ? "integer" : "number"}};
      add_bounds(param, out);
      return out;
    }
    case HT_VALUE_FLAG:
      return {{"type", "boolean"}};
    case HT_VALUE_CHOICE: {
      Json names = Json::array();
      for (std::uint32_t i = 0; i < param.choices.count; ++i)
        names.push_back(element_json(HT_VALUE_STR, param.choices, i));
      return {{"enum", names}};
    }
    case HT_VALUE_SIZE: {
      Json out = size_schema();
      add_bounds(param, out["anyOf"][0]);
      return out;
    }
    case HT_VALUE_MAP:
      return {{"type", "object"}};
    default:
      return text_schema();
  }
}

Json of_parameter(const ht_param &param) {
  Json out = single(param);
  if ((param.flags & HT_PARAM_LIST) != 0) {
    const Json item = out;
    out = {{"anyOf", {item, {{"type", "array"}, {"items", item}}}}};
  }
  if ((param.flags & HT_PARAM_NULLABLE) != 0) out = {{"anyOf", {out, {{"type", "null"}}}}};
  std::string doc = param.doc;
  if (param.unit != nullptr) doc += std::string(" (") + param.unit + ")";
  out["description"] = doc;
  if (param.deflt.kind != HT_VALUE_NONE) out["default"] = default_json(param);
  if ((param.flags & HT_PARAM_DEPRECATED) != 0) out["deprecated"] = true;
  return out;
}

}  // namespace

Json text_schema() {
  return {{"type", {"string", "number", "boolean"}}};
}

Json size_schema() {
  return {{"anyOf", {{{"type", "integer"}, {"minimum", 0}}, {{"type", "string"}, {"pattern", kSizePattern}}}}};
}

bool is_filled_in(const host::Component &component, std::string_view parameter) {
  return component.description->kind == HT_KIND_READER && parameter == HT_READER_INPUT;
}

Json parameter_schema(const host::Component &component) {
  const ht_component &d = *component.description;
  Json properties = Json::object(), required = Json::array();
  const host::Schema schema(d.params, d.param_count);
  for (std::uint64_t i = 0; i < schema.size(); ++i) {
    if (is_filled_in(component, schema[i].name)) continue;
    properties[schema[i].name] = of_parameter(schema[i]);
    if ((schema[i].flags & HT_PARAM_REQUIRED) != 0) required.push_back(schema[i].name);
  }
  Json out = {{"type", "object"}, {"title", d.title}};
  if (d.doc[0] != '\0') out["description"] = d.doc;
  out["properties"] = properties;
  if (!required.empty()) out["required"] = required;
  out["additionalProperties"] = false;
  return out;
}

}  // namespace halftone::pipeline
