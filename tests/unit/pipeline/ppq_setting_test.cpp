#include "core/pipeline/ppq_setting.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "core/pipeline/json_setting.h"
#include "core/pipeline/ppq_conversion.h"
#include "core/pipeline/ppq_setting_map.h"
#include "core/pipeline/yaml_setting.h"
#include "tests/unit/base/expect_error.h"

using halftone::Setting;
using halftone::Status;
using halftone::test::expect_error;
using namespace halftone::pipeline;

namespace {

PpqSetting read(const char *text, std::vector<std::string> &warnings, bool strict = false) {
  return {parse_json(text, "s.json"), strict, warnings};
}
PpqSetting read(const char *text) {
  std::vector<std::string> warnings;
  const PpqSetting setting = read(text, warnings);
  CHECK(warnings.empty());
  return setting;
}
void refused(const char *text, const std::string &message, bool strict = false) {
  std::vector<std::string> warnings;
  expect_error(Status::kInvalidArgument, {message}, [&] { (void)read(text, warnings, strict); });
}

}  // namespace

TEST_CASE("keys that a file does not have are PPQ's defaults") {
  const PpqSetting s = read(R"({"fusion": false, "equalization_setting": {"value_threshold": 2}})");
  CHECK_FALSE(s.flag("fusion"));
  CHECK(s.flag("quantize_activation"));
  CHECK(s.text("fusion_setting.align_elementwise_to") == "Align to Large");
  CHECK(s.value("quantize_parameter_setting.calib_algorithm").is_null());
  CHECK(s.differs("fusion"));
  CHECK(s.differs("equalization_setting.value_threshold"));
  CHECK_FALSE(s.differs("equalization_setting.iterations"));
  CHECK(s.written("equalization_setting.iterations") == nullptr);
  CHECK(s.value("equalization_setting.value_threshold").where.text() == "s.json:1:63");
}

TEST_CASE("a number is PPQ's default in any form, and no names are no names") {
  const PpqSetting s = read(
      R"({"lsq_optimization_setting": {"lr": 0.00001, "gamma": 0, "interested_layers": null}, "equalization_setting": {"iterations": 10}})");
  CHECK_FALSE(s.differs("lsq_optimization_setting.lr"));
  CHECK_FALSE(s.differs("lsq_optimization_setting.gamma"));
  CHECK_FALSE(s.differs("lsq_optimization_setting.interested_layers"));
  CHECK_FALSE(s.differs("equalization_setting.iterations"));
}

TEST_CASE("unknown keys are told with the nearest name, and refused where that is asked") {
  std::vector<std::string> warnings;
  (void)read(R"({"fusion": true, "equalisation": true, "equalization_setting": {"iteration": 3}})", warnings);
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0] ==
        "s.json:1:18: PPQ 0.6.6 has no key 'equalisation' (did you mean 'equalization'?); it is left out, as PPQ does "
        "without "
        "a word");
  CHECK(warnings[1].starts_with(
      "s.json:1:65: PPQ 0.6.6 has no key 'iteration' in `equalization_setting` (did you mean 'iterations'?)"));
  refused(R"({"fusion": true, "x": 1})", "s.json:1:18: PPQ 0.6.6 has no key 'x'", true);
}

TEST_CASE("values of another type are refused with their place") {
  refused(R"({"fusion": "yes"})", "s.json:1:12: `fusion` must be true or false");
  refused(R"({"equalization_setting": {"iterations": 1.5}})",
          "s.json:1:41: `equalization_setting.iterations` must be a whole number");
  refused(R"({"equalization_setting": 3})", "s.json:1:26: `equalization_setting` must be an object");
  refused(R"({"bias_correct_setting": {"interested_layers": ["a", 3]}})",
          "s.json:1:48: `bias_correct_setting.interested_layers` must be a list of names");
  refused(R"({"dispatching_table": {"dispatchings": {"a": "FP32"}}})",
          "s.json:1:46: the platform of 'a' must be the number of a TargetPlatform, such as 0 for FP32");
  refused("[]",
          "s.json:1:1: this is no setting of PPQ: it has none of its keys, such as `fusion_setting`; "
          "QuantizationSetting.to_json() writes one");
}

TEST_CASE("rows of the dispatching table in both forms, without PPQ's examples") {
  const PpqSetting map = read(
      "{\"dispatching_table\": {\"intro_0\": \"\", \"dispatchings\": {\"conv1\": 0, \"s\": -1,"
      "\"YOUR OEPRATION NAME\": \"TARGET PLATFORM(INT)\", \"FP32 OPERATION NAME\": 0}}}");
  REQUIRE(map.rows().size() == 2);
  CHECK(map.rows()[0].operation == "conv1");
  CHECK(map.rows()[1].platform == -1);
  const PpqSetting list = read(
      "{\"dispatching_table\": {\"dispatchings\": [{\"operation\": \"b\", \"platform\": 101},"
      "{\"operation\": \"NXP INT8 OPERATION NAME\", \"platform\": 501}]}}");
  REQUIRE(list.rows().size() == 1);
  CHECK(list.rows()[0].platform == 101);
}

TEST_CASE("every key of PPQ has a use or a reason, and the tables name only keys that are there") {
  std::set<std::string_view> used = {"version", "signature", "dispatcher"};
  for (const PpqPass &pass : ppq_passes()) {
    for (const PpqParameter &parameter : pass.parameters) used.insert(parameter.key);
    if (!pass.layers.empty()) used.insert(pass.layers);
    for (std::string_view flags = pass.flags; !flags.empty();) {
      const std::size_t end = std::min(flags.find('&'), flags.size());
      used.insert(flags.substr(0, end));
      flags.remove_prefix(std::min(end + 1, flags.size()));
    }
  }
  for (const PpqExtra &extra : ppq_extras()) used.insert(extra.unless);
  std::set<std::string_view> known;
  for (const PpqKey &key : ppq_keys()) {
    CHECK_MESSAGE(known.insert(key.path).second, key.path);
    const bool says = key.kind == PpqKind::kGroup || key.kind == PpqKind::kFree || key.kind == PpqKind::kOld;
    CHECK_MESSAGE((says || !key.effect.empty() || used.contains(key.path)), key.path);
    if (!says) CHECK_NOTHROW((void)parse_json(key.deflt, "default"));
    if (key.kind == PpqKind::kGroup && !key.deflt.empty()) CHECK_MESSAGE(known.contains(key.deflt), key.path);
  }
  for (const std::string_view path : used) CHECK_MESSAGE(known.contains(path), path);
}

TEST_CASE("methods have the names of ours") {
  const auto ours = [](const char *text, PpqForm form) { return our_value(parse_json(text, "s.json"), form).text; };
  CHECK(ours("\"Align to Large\"", PpqForm::kAlignment) == "to_large");
  CHECK(ours("\"align to output\"", PpqForm::kAlignment) == "to_output");
  CHECK(ours("null", PpqForm::kAlignment) == "none");
  CHECK(ours("\"MSE\"", PpqForm::kObserver) == "mse");
  CHECK(our_value(parse_json("null", "s.json"), PpqForm::kObserver).is_null());
  CHECK(our_value(parse_json("[]", "s.json"), PpqForm::kNames).is_null());
  CHECK(our_dispatcher("Aggresive") == "aggressive");
  CHECK(our_dispatcher("pursus") == "perseus");
  CHECK(our_dispatcher("x").empty());
  expect_error(Status::kInvalidArgument,
               {"s.json:1:1: PPQ has no alignment 'Align to Larg' (did you mean 'align to large'?)"},
               [&] { (void)ours("\"Align to Larg\"", PpqForm::kAlignment); });
}

TEST_CASE("the text is YAML that means what was converted") {
  PpqConversion conversion;
  conversion.dispatcher = "pplnn";
  Setting settings;
  settings.value = Setting::Map{{"layers", parse_json(R"(["a: b", "no", "1e3", "x/y", "ä\n"])", "s")},
                                {"threshold", parse_json("2.0", "s")}};
  conversion.passes.push_back({"weight-split", settings, "HorizontalLayerSplitPass", {"one\ntwo"}, true});
  conversion.passes.push_back({"adaround", {}, "AdaroundPass", {std::string(300, 'x') + " y"}, false});
  conversion.passes.push_back({"", {}, "", {"nothing"}, false});
  conversion.rows.push_back({"a*[0]\\?", "float", "", true});
  conversion.rows.push_back({"left out", "float", "why", false});
  PipelineHead head{"From 'x'",    "models/m 1.onnx", "meta.json",
                    "m.int8.onnx", "m.configs.json",  {{"a", "x.npy"}, {"b", "y.npy"}}};
  const std::string text = pipeline_text(conversion, {}, head);
  const Setting root = parse_yaml(text, "p.yaml");
  CHECK(root.find("model")->text == "models/m 1.onnx");
  CHECK(root.find("platform") == nullptr);
  CHECK(root.find("calibration")->find("inputs")->find("b")->find("preprocess")->text == "meta.json");
  REQUIRE(root.find("passes")->list().size() == 1);
  const Setting &pass = root.find("passes")->list()[0].map()[0].second;
  const Setting::List &layers = pass.find("layers")->list();
  const char *names[] = {"a: b", "no", "1e3", "x/y", "ä\n"};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(layers[i].text == names[i]);
    CHECK(std::holds_alternative<std::string>(layers[i].value));
  }
  CHECK(std::get<double>(pass.find("threshold")->value) == 2.0);
  REQUIRE(root.find("overrides")->list().size() == 1);
  CHECK(root.find("overrides")->list()[0].find("match")->find("node")->text == "a\\*\\[0]\\\\\\?");
  CHECK(text.find("# dispatch: {method: pplnn}\n") != std::string::npos);
  CHECK(text.find("  # - adaround  # AdaroundPass\n") != std::string::npos);
}

TEST_CASE("rows become a table where pipelines have one") {
  PpqConversion conversion;
  conversion.dispatcher = "allin";
  conversion.dispatch_key = conversion.dispatcher_live = conversion.row_match = true;
  conversion.rows.push_back({"n", "soi", "", true});
  conversion.passes.push_back({"assign-configs", {}, "", {}, true});
  const Setting root = parse_yaml(pipeline_text(conversion, {}, {}), "p.yaml");
  CHECK(root.find("dispatch")->find("method")->text == "allin");
  const Setting &row = root.find("dispatch")->find("table")->list()[0];
  CHECK(row.find("to")->text == "soi");
  CHECK(row.find("match")->find("node")->text == "n");
}
