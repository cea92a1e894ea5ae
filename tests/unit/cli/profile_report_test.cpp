#include "core/cli/profile_report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace halftone;
using namespace halftone::cli;
using host::StepTime;

namespace {

// x -> Conv -> c -> Relu -> r -> Gemm -> y.
struct Net {
  model::Model m;
  model::Handle x, c, r, y, conv, relu, gemm;
  Net() {
    const model::Handle g = m.main_graph();
    x = m.add_value(g, "x");
    c = m.add_value(g, "c");
    r = m.add_value(g, "r");
    y = m.add_value(g, "y");
    conv = add("Conv", "conv", x, c);
    relu = add("Relu", "relu", c, r);
    gemm = add("Gemm", "gemm", r, y);
  }
  model::Handle add(const char *op_type, const char *name, model::Handle from, model::Handle to) {
    const model::Handle inputs[] = {from}, outputs[] = {to};
    return m.add_node(m.main_graph(), op_type, "", name, inputs, outputs);
  }
};

StepTime step(std::uint32_t kind, model::Handle node, model::Handle value, std::uint64_t microseconds) {
  StepTime s;
  s.kind = kind;
  s.node = node;
  s.value = value;
  s.how = "jit";
  s.runs = 2;
  s.nanoseconds = microseconds * 1000;
  return s;
}

}  // namespace

TEST_CASE("a profile has a row for each step and one below it for what runs inside") {
  const Net net;
  std::vector<StepTime> steps = {step(HT_STEP_INPUT, HT_NONE, net.x, 20), step(HT_STEP_NODE, net.conv, HT_NONE, 100),
                                 step(HT_STEP_REORDER, net.gemm, net.r, 40), step(HT_STEP_NODE, net.gemm, HT_NONE, 200),
                                 step(HT_STEP_EMIT, HT_NONE, net.y, 40)};
  steps[1].fused = {net.relu};
  const ProfileReport report = profile_report(net.m, steps, 2);
  REQUIRE(report.rows.size() == 6);
  CHECK((report.rows[0].name == "x" && report.rows[0].type == "(input)"));
  CHECK((report.rows[1].name == "conv" && report.rows[1].type == "Conv" && report.rows[1].how == "jit"));
  CHECK((report.rows[2].name == "relu" && report.rows[2].type == "Relu" && report.rows[2].inside == "conv"));
  CHECK((report.rows[3].name == "r" && report.rows[3].type == "(reorder)" && report.rows[3].how == "jit, for gemm"));
  CHECK((report.rows[4].name == "gemm" && report.rows[4].type == "Gemm"));
  CHECK((report.rows[5].name == "y" && report.rows[5].type == "(output)"));
  CHECK(report.rows[4].seconds == doctest::Approx(100e-6));
  CHECK(report.rows[2].seconds == 0);
  CHECK(report.seconds == doctest::Approx(200e-6));
}

TEST_CASE("types add up, with what is fused in their name, the longest first") {
  const Net net;
  std::vector<StepTime> steps = {step(HT_STEP_NODE, net.conv, HT_NONE, 100), step(HT_STEP_NODE, net.gemm, HT_NONE, 300),
                                 step(HT_STEP_REORDER, net.gemm, net.r, 10),
                                 step(HT_STEP_REORDER, net.conv, net.x, 20)};
  steps[0].fused = {net.relu};
  const ProfileReport report = profile_report(net.m, steps, 1);
  REQUIRE(report.types.size() == 3);
  CHECK(report.types[0].type == "Gemm");
  CHECK(report.types[1].type == "Conv+Relu");
  CHECK((report.types[2].type == "(reorder)" && report.types[2].steps == 2));
  CHECK(report.types[2].seconds == doctest::Approx(30e-6));
}

TEST_CASE("the same step of another plan is the same row") {
  const Net net;
  const std::vector<StepTime> steps = {step(HT_STEP_NODE, net.conv, HT_NONE, 100),
                                       step(HT_STEP_NODE, net.conv, HT_NONE, 300)};
  const ProfileReport report = profile_report(net.m, steps, 4);
  REQUIRE(report.rows.size() == 1);
  CHECK(report.rows[0].seconds == doctest::Approx(100e-6));
  CHECK(report.rows[0].runs == 4);
  CHECK(report.types[0].steps == 1);
}

TEST_CASE("a profile as JSON") {
  const Net net;
  std::vector<StepTime> steps = {step(HT_STEP_NODE, net.conv, HT_NONE, 100)};
  steps[0].fused = {net.relu};
  nlohmann::ordered_json figures;
  add_profile(profile_report(net.m, steps, 2), figures);
  CHECK(figures["steps"][0]["milliseconds"] == doctest::Approx(0.05));
  CHECK(figures["steps"][1]["inside"] == "conv");
  CHECK(!figures["steps"][1].contains("milliseconds"));
  CHECK(figures["types"][0]["type"] == "Conv+Relu");
}

TEST_CASE("no sample and no step is no division") {
  const Net net;
  CHECK(profile_report(net.m, {}, 0).seconds == 0);
  CHECK(type_table(profile_report(net.m, {}, 0)).text().find("0.000 ms") != std::string::npos);
}
