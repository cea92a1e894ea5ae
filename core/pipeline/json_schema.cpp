#include "core/pipeline/json_schema.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "core/calibration/preprocess.h"
#include "core/pipeline/parameter_schema.h"
#include "core/pipeline/pipeline_shape.h"
#include "core/pipeline/platform_shape.h"

namespace halftone::pipeline {
namespace {

using Json = nlohmann::ordered_json;
using Form = Shape::Form;

constexpr const char *kDefaultExporter = "onnx-qdq";

std::string uppered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

class Writer {
 public:
  explicit Writer(const host::Registry &registry) : registry_(registry) {}

  std::string file(const Shape &shape, const char *title) {
    const Json body = of(shape);
    Json out = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}};
    out.update(body);
    if (!definitions_.empty()) out["$defs"] = definitions_;
    return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  }

 private:
  using Maker = Json (Writer::*)(const Shape &);

  Json of(const Shape &shape) {
    static const std::map<std::string, Maker, std::less<>> kMakers = {
        {kPassList, &Writer::passes},        {kExportEntry, &Writer::export_entry}, {kPreprocess, &Writer::preprocess},
        {kSampleInput, &Writer::samples},    {kPlatformName, &Writer::platforms},   {kReaderName, &Writer::readers},
        {kExecutorName, &Writer::executors}, {kObserverName, &Writer::observers},   {kExporterName, &Writer::exporters},
        {kTrainerName, &Writer::trainers}};
    const auto maker = kMakers.find(shape.meaning);
    return maker == kMakers.end() ? plain(shape) : (this->*maker->second)(shape);
  }

  Json plain(const Shape &shape) {
    switch (shape.form) {
      case Form::kAny:
        return Json::object();
      case Form::kText:
        return not_empty(text_schema(), "minLength", shape);
      case Form::kFlag:
        return {{"type", "boolean"}};
      case Form::kInteger:
        return shape.low == shape.high ? Json{{"const", shape.low}}
                                       : Json{{"type", "integer"}, {"minimum", shape.low}, {"maximum", shape.high}};
      case Form::kNumber:
        return {{"type", "number"}};
      case Form::kSize:
        return size_schema();
      case Form::kChoice:
        return choice(shape);
      case Form::kList:
        return shape.each ? Json{{"type", "array"}, {"items", of(*shape.each)}} : Json{{"type", "array"}};
      case Form::kMap:
        return object(shape);
      case Form::kEither:
        break;
    }
    Json alternatives = Json::array();
    for (const Shape &one : shape.either) alternatives.push_back(of(one));
    return {{"anyOf", alternatives}};
  }

  static Json not_empty(Json out, const char *least, const Shape &shape) {
    if (!shape.when_empty.empty()) out[least] = 1;
    return out;
  }

  static Json choice(const Shape &shape) {
    Json names = shape.choices;
    if (shape.any_case) {
      for (const std::string &name : shape.choices) names.push_back(uppered(name));
    }
    return {{"enum", names}};
  }

  Json object(const Shape &shape) {
    Json properties = Json::object(), required = Json::array();
    for (const Shape::Key &key : shape.keys) {
      properties[key.name] = of(key.shape);
      if (!key.doc.empty()) properties[key.name]["description"] = key.doc;
      if (key.required) required.push_back(key.name);
    }
    Json out = not_empty({{"type", "object"}}, "minProperties", shape);
    if (!shape.keys.empty()) out["properties"] = properties;
    if (!required.empty()) out["required"] = required;
    if (shape.each && !shape.other_keys.empty()) out["patternProperties"] = {{shape.other_keys, of(*shape.each)}};
    if (!shape.each || !shape.other_keys.empty()) {
      out["additionalProperties"] = false;
    } else {
      out["additionalProperties"] = of(*shape.each);
    }
    return out;
  }

  // ---- what the loaded components say

  Json names(std::uint32_t kind) const {
    Json list = Json::array();
    for (const host::Component *component : registry_.all(kind)) list.push_back(std::string(component->id()));
    return {{"enum", list}};
  }
  Json readers(const Shape &) { return names(HT_KIND_READER); }
  Json executors(const Shape &) { return names(HT_KIND_EXECUTOR); }
  Json trainers(const Shape &) { return names(HT_KIND_TRAINER); }
  Json observers(const Shape &) { return names(HT_KIND_OBSERVER); }
  Json exporters(const Shape &) { return names(HT_KIND_EXPORTER); }
  Json platforms(const Shape &) {
    Json out = names(HT_KIND_PLATFORM);
    for (const auto &[id, file] : registry_.descriptors) out["enum"].push_back(id);
    return out;
  }

  // A name, or one name with its parameters.
  Json passes(const Shape &) {
    Json with_parameters = Json::object();
    for (const host::Component *pass : registry_.all(HT_KIND_PASS)) {
      with_parameters[std::string(pass->id())] = {{"anyOf", {reference("pass", *pass), {{"type", "null"}}}}};
    }
    const Json one = {{"type", "object"},
                      {"properties", with_parameters},
                      {"minProperties", 1},
                      {"maxProperties", 1},
                      {"additionalProperties", false}};
    return {{"type", "array"}, {"items", {{"anyOf", {names(HT_KIND_PASS), one}}}}};
  }

  Json reference(const std::string &kind, const host::Component &component) {
    const std::string name = kind + "." + std::string(component.id());
    definitions_[name] = parameter_schema(component);
    return {{"$ref", "#/$defs/" + name}};
  }

  // Samples need a path or inputs; the parameters are those of the reader that is named, or of any.
  Json samples(const Shape &shape) {
    Json out = object(shape), any_reader = Json::array(), rules = Json::array();
    for (const host::Component *reader : registry_.all(HT_KIND_READER)) {
      const Json parameters = reference("reader", *reader);
      any_reader.push_back(parameters);
      rules.push_back(
          {{"if", {{"properties", {{"reader", {{"const", std::string(reader->id())}}}}}, {"required", {"reader"}}}},
           {"then", {{"properties", {{"reader_settings", parameters}}}}}});
    }
    out["properties"]["reader_settings"] = {{"anyOf", any_reader}, {"description", "parameters of the reader"}};
    out["allOf"] = rules;
    if (out["properties"].contains("inputs")) {
      out["oneOf"] = {{{"required", {"path"}}}, {{"required", {"inputs"}}}};
    }
    return out;
  }

  // Beside the keys of the shape, the parameters of the exporter that is named.
  Json export_entry(const Shape &shape) {
    Shape keys_only = shape;
    keys_only.each = nullptr;
    Json alternatives = Json::array();
    for (const host::Component *exporter : registry_.all(HT_KIND_EXPORTER)) {
      const std::string id(exporter->id());
      Json one = object(keys_only);
      const Json parameters = parameter_schema(*exporter);
      one["title"] = parameters["title"];
      one["properties"]["format"] = {{"const", id}};
      one["properties"].update(parameters["properties"]);
      if (parameters.contains("required")) {
        for (const Json &name : parameters["required"]) one["required"].push_back(name);
      }
      if (id != kDefaultExporter) one["required"].push_back("format");
      alternatives.push_back(one);
    }
    return {{"anyOf", alternatives}};
  }

  Json preprocess(const Shape &) {
    Json keys = object(calibration::preprocess_shape());
    for (const char *name : calibration::passed_over_keys()) keys["properties"][name] = Json::object();
    return {{"anyOf", {text_schema(), keys}}};
  }

  const host::Registry &registry_;
  Json definitions_ = Json::object();
};

}  // namespace

std::string pipeline_schema(const host::Registry &registry) {
  return Writer(registry).file(pipeline_shape(), "Halftone pipeline");
}

std::string preset_schema(const host::Registry &registry) {
  return Writer(registry).file(preset_shape(), "Halftone preset");
}

std::string platform_schema(const host::Registry &registry) {
  return Writer(registry).file(platform_shape(), "Halftone platform");
}

}  // namespace halftone::pipeline
