#include "core/pipeline/ppq_conversion.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "core/pipeline/json_setting.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/host/sample_plugin.h"

using namespace halftone;
using namespace halftone::pipeline;
using halftone::host::SamplePlugin;
using halftone::test::expect_error;

namespace {

constexpr const char *kPlatform = R"(
halftone-platform: 1
id: toy
types: {activation: {bits: 8}}
operators: [{types: [Conv], computing: true}]
alignment: {elementwise: to_large, concat: none}
pipeline:
  - constant-folding
  - own-pass
  - parameter-quantize: {percentile: 0.75}
)";

ht_param param(const char *name, std::uint32_t kind, ht_value deflt, std::uint32_t flags = 0) {
  ht_param p{};
  p.struct_size = sizeof p;
  p.kind = kind;
  p.flags = flags;
  p.name = name;
  p.doc = "A parameter.";
  p.deflt = deflt;
  return p;
}

// A pass whose parameters are named by a test.
struct Pass : SamplePlugin {
  Pass(const char *id, std::vector<ht_param> schema) : SamplePlugin(id), params(std::move(schema)) {
    component.params = params.data();
    component.param_count = params.size();
  }
  std::vector<ht_param> params;
};

const std::int64_t kOne = 1, kTen = 10;
const double kHalf = 0.5;
ht_param whole(const char *name) {
  ht_param p = param(name, HT_VALUE_I64, {HT_VALUE_I64, 1, &kTen, {0, 0}});
  p.low = {HT_VALUE_I64, 1, &kOne, {0, 0}};
  return p;
}
ht_param number(const char *name) {
  return param(name, HT_VALUE_F64, {HT_VALUE_F64, 1, &kHalf, {0, 0}});
}
ht_param flag(const char *name) {
  return param(name, HT_VALUE_FLAG, {HT_VALUE_FLAG, 1, &kOne, {0, 0}});
}
ht_param names(const char *name) {
  return param(name, HT_VALUE_STR, {HT_VALUE_STR, 0, nullptr, {0, 0}}, HT_PARAM_LIST);
}

struct Bench {
  Pass folding{"constant-folding", {}}, own{"own-pass", {}}, search{"weight-scale-search", {}};
  Pass quantize{"parameter-quantize", {number("percentile")}};
  Pass equalization{"layerwise-equalization", {whole("iterations"), number("value_threshold"), flag("include_biases")}};
  Pass splitting{"weight-split", {number("threshold"), names("layers")}};
  host::Registry registry;
  PpqTarget target;

  Bench() {
    for (Pass *pass : {&folding, &own, &search, &quantize, &equalization, &splitting}) registry.add(&pass->plugin, {});
    target.platform = parse_platform(kPlatform, "toy.platform.yaml");
  }
  PpqConversion convert(const char *json) {
    std::vector<std::string> warnings;
    const PpqSetting setting(parse_json(json, "s.json"), true, warnings);
    return convert_ppq(setting, target, registry);
  }
};

const ConvertedPass *find(const PpqConversion &conversion, const char *id) {
  const auto found = std::ranges::find(conversion.passes, id, &ConvertedPass::id);
  return found == conversion.passes.end() ? nullptr : &*found;
}

bool tells(const PpqConversion &conversion, const std::string &text) {
  return std::ranges::any_of(conversion.warnings,
                             [&](const std::string &warning) { return warning.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("parameters go by the names that the pass has; what it lacks is told where it matters") {
  Bench bench;
  const PpqConversion done = bench.convert(R"({"version": "0.6.6", "equalization": true,
      "equalization_setting": {"iterations": 3, "including_bias": true, "including_act": true}})");
  const ConvertedPass *pass = find(done, "layerwise-equalization");
  REQUIRE(pass != nullptr);
  CHECK(pass->live);
  CHECK(pass->settings.find("iterations")->text == "3");
  CHECK(pass->settings.find("value_threshold")->text == "0.5");  // PPQ's default, whatever ours is
  CHECK(pass->settings.find("include_biases")->text == "true");
  CHECK(pass->settings.map().size() == 3);
  CHECK(tells(done, "it has nothing for `equalization_setting.including_act` (true)"));
  CHECK_FALSE(tells(done, "act_multiplier"));  // nobody changed it
}

TEST_CASE("a value that a pass does not take is an error of PPQ's file") {
  Bench bench;
  expect_error(Status::kInvalidArgument, {"s.json:1:83: ", "layerwise-equalization", "iterations"}, [&] {
    (void)bench.convert(R"({"version": "0.6.6", "equalization": true, "equalization_setting": {"iterations": 0}})");
  });
}

TEST_CASE("a pass that is not there, or needs layers, becomes a comment") {
  Bench bench;
  const PpqConversion empty = bench.convert(R"({"version": "0.6.6", "weight_split": true, "bias_correct": true})");
  CHECK_FALSE(find(empty, "weight-split")->live);
  CHECK(tells(empty, "s.json:1:22: `weight_split` is left out: PPQ refuses it without names of layers"));
  CHECK_FALSE(find(empty, "bias-correction")->live);
  CHECK(tells(empty, "`bias_correct` is left out: this build has no such pass"));
  const PpqConversion named = bench.convert(
      R"({"version": "0.6.6", "weight_split": true, "weight_split_setting": {"interested_layers": ["a"]}})");
  const ConvertedPass *pass = find(named, "weight-split");
  CHECK(pass->live);
  CHECK(pass->settings.find("threshold")->text == "2.0");
  CHECK(pass->settings.find("layers")->list()[0].text == "a");
}

TEST_CASE("passes and parameters of the platform stay where the setting says nothing to them") {
  Bench bench;
  const PpqConversion done = bench.convert(R"({"version": "0.6.6"})");
  REQUIRE(done.passes.size() > 3);
  CHECK(done.passes[0].id == "constant-folding");
  CHECK(done.passes[1].id == "own-pass");
  CHECK(done.passes[1].counterpart.empty());
  CHECK(find(done, "parameter-quantize")->settings.find("percentile")->text == "0.75");
  CHECK(find(bench.convert(R"({"version": "0.6.6", "quantize_parameter": false})"), "parameter-quantize") == nullptr);
}

TEST_CASE("alignment is the platform's unless the setting changes it") {
  Bench bench;
  const PpqConversion done = bench.convert(R"({"version": "0.6.6"})");
  CHECK(tells(done,
              "quant-alignment: toy has rules of its own; for PPQ's write them as parameters: "
              "concat: none (PPQ: to_output)"));
  CHECK_FALSE(tells(done, "elementwise"));  // the same
  const PpqConversion other =
      bench.convert(R"({"version": "0.6.6", "fusion_setting": {"align_concat_to": "Align to Large"}})");
  CHECK(find(other, "quant-alignment")->settings.find("concat")->text == "to_large");
  CHECK(find(other, "quant-alignment")->settings.map().size() == 1);
  bench.target.platform.reset();
  CHECK(find(bench.convert(R"({"version": "0.6.6"})"), "quant-alignment")->settings.map().size() == 5);
}

TEST_CASE("a pass of the platform that needs what is switched off goes too") {
  Bench bench;
  const char *facts[] = {HT_FACT_PARAMETERS_QUANTIZED};
  bench.quantize.component.provides = bench.own.component.after = facts;
  bench.quantize.component.provide_count = bench.own.component.after_count = 1;
  CHECK(find(bench.convert(R"({"version": "0.6.6"})"), "own-pass")->live);
  const PpqConversion done = bench.convert(R"({"version": "0.6.6", "quantize_parameter": false})");
  CHECK_FALSE(find(done, "own-pass")->live);
  CHECK(tells(done, "own-pass is left out: it needs parameter-quantize, which the setting switches off"));
}

TEST_CASE("rows of the dispatching table go by what they stand for") {
  Bench bench;
  bench.target.nodes = {"a", "b", "c", "conv1"};
  const PpqConversion done = bench.convert(R"({"version": "0.6.6", "dispatching_table":
      {"dispatchings": {"a": 0, "b": -1, "c": 101, "con1": 0, "conv1": 17}}})");
  REQUIRE(done.rows.size() == 5);
  CHECK((done.rows[0].live && done.rows[0].to == "float"));
  CHECK((done.rows[1].live && done.rows[1].to == "soi"));
  CHECK(done.rows[2].to == "quantize");
  CHECK(done.rows[2].live == done.dispatch_key);  // an override cannot say it
  CHECK_FALSE(done.rows[3].live);
  CHECK(tells(done, "the row of 'con1' is left out: the cleaned model has no such node (did you mean 'conv1'?)"));
  CHECK_FALSE(done.rows[4].live);
  CHECK(tells(done, "the row of 'conv1' is left out: PPQ has no platform of number 17"));
}
