// Patterns at the boundary: the service, and parameters that are patterns.
#include <doctest/doctest.h>

#include "core/host/arguments.h"
#include "core/host/context.h"
#include "core/host/registry.h"
#include "core/host/service/services.h"
#include "halftone/pattern.h"
#include "tests/unit/host/sample_plugin.h"
#include "tests/unit/model/graph_maker.h"

namespace halftone::host {
namespace {

const ht_pattern &service() {
  return *static_cast<const ht_pattern *>(find_service(HT_PATTERN_1, HT_CAP_GRAPH_READ));
}

ht_str view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string names(const WorkingModel &working, ht_handles list) {
  std::string text;
  for (std::uint64_t i = 0; i < list.size; ++i) text += " " + working.model.value(list.data[i]).name;
  return text;
}

struct Swish {
  WorkingModel working;
  Context ctx;

  Swish() {
    model::test::GraphMaker g;
    g.node("Conv", {"in", "w"}, {"t"}, "conv");
    g.node("Sigmoid", {"t"}, {"s"}, "sigmoid");
    g.node("Mul", {"t", "s"}, {"m"}, "mul");
    g.node("Concat", {"m", "p", "q"}, {"y"}, "concat");
    g.output("y");
    working.model = std::move(g.model);
    ctx.working = &working;
  }
};

TEST_CASE("an occurrence with its nodes, inner values and names") {
  Swish s;
  const ht_str text = view("y = Mul(t, Sigmoid(t)) where t = Conv(x, w, b?)");
  const ht_strs texts{&text, 1};
  ht_pattern_matches found{};
  REQUIRE(service().find(&s.ctx, &texts, HT_NONE, &found) == HT_OK);
  REQUIRE(found.size == 1);
  const ht_pattern_match &match = found.data[0];
  CHECK(match.struct_size == sizeof(ht_pattern_match));
  CHECK(match.pattern == 0);
  CHECK(match.graph == s.working.model.main_graph());
  REQUIRE(match.nodes.size == 3);
  CHECK(match.nodes.data[0] == match.root);
  CHECK(s.working.model.node(match.nodes.data[1]).name == "sigmoid");
  CHECK(s.working.model.node(match.nodes.data[2]).name == "conv");
  CHECK(names(s.working, match.inner) == " s t");
  REQUIRE(match.binding_count == 5);
  const char *expected[] = {"y m", "t t", "x in", "w w", "b"};
  for (std::size_t i = 0; i < 5; ++i) {
    const ht_pattern_binding &binding = match.bindings[i];
    CHECK(binding.struct_size == sizeof(ht_pattern_binding));
    CHECK(std::string(binding.name.data, binding.name.size) + names(s.working, binding.values) == expected[i]);
  }
}

TEST_CASE("several texts, one graph, a list of values") {
  Swish s;
  const ht_str list[] = {view("Concat(first, rest, ...)"), view("Sigmoid(t)"), view("Relu(t)")};
  const ht_strs texts{list, 3};
  ht_pattern_matches found{};
  REQUIRE(service().find(&s.ctx, &texts, s.working.model.main_graph(), &found) == HT_OK);
  REQUIRE(found.size == 2);
  CHECK(found.data[0].pattern == 1);
  CHECK(found.data[1].pattern == 0);
  CHECK(names(s.working, found.data[1].bindings[1].values) == " p q");
  CHECK(found.data[1].inner.size == 0);
}

TEST_CASE("failures leave the result alone and say why") {
  Swish s;
  const ht_str bad = view("Relu(");
  const ht_strs texts{&bad, 1};
  ht_pattern_matches found{nullptr, 7};
  CHECK(service().find(&s.ctx, &texts, HT_NONE, &found) == HT_INVALID_ARGUMENT);
  CHECK(found.size == 7);
  REQUIRE(s.ctx.error);
  CHECK(std::string(s.ctx.error->what()).starts_with("pattern 'Relu(' at 1:6: expected an input"));
  const ht_str good = view("Relu(*)");
  const ht_strs fine{&good, 1};
  CHECK(service().find(&s.ctx, &fine, s.working.model.find_node(s.working.model.main_graph(), "mul"), &found) ==
        HT_NOT_FOUND);
  CHECK(found.size == 7);
  Context none;
  CHECK(service().find(&none, &fine, HT_NONE, &found) == HT_FAILED_PRECONDITION);
}

TEST_CASE("a text alone can be checked") {
  Context ctx;
  const ht_str good = view("Relu(*)"), bad = view("Relu");
  CHECK(service().check(&ctx, &good) == HT_OK);
  CHECK(service().check(&ctx, &bad) == HT_INVALID_ARGUMENT);
  CHECK(find_service(HT_PATTERN_1, 0) == nullptr);
}

TEST_CASE("a text on one line, and the operators that the model does not have") {
  Swish s;
  const ht_str text = view("Relu(  # first\n Conv[auto_pad='#'](*))");
  ht_str line{};
  REQUIRE(service().one_line(&s.ctx, &text, &line) == HT_OK);
  CHECK(std::string(line.data, line.size) == "Relu( Conv[auto_pad='#'](*))");
  ht_strs missing{};
  REQUIRE(service().missing(&s.ctx, &text, &missing) == HT_OK);
  REQUIRE(missing.size == 1);
  CHECK(std::string(missing.data[0].data, missing.data[0].size) == "Relu");
  const ht_str bad = view("Relu(");
  CHECK(service().missing(&s.ctx, &bad, &missing) == HT_INVALID_ARGUMENT);
}

ht_param pattern_param() {
  ht_param p{};
  p.struct_size = sizeof p;
  p.kind = HT_VALUE_STR;
  p.flags = HT_PARAM_LIST | HT_PARAM_PATTERN;
  p.name = "patterns";
  p.doc = "Patterns.";
  return p;
}

Setting text_at(const std::string &text, int line) {
  return {text, text, {"p.yaml", line, 7}, {}};
}

TEST_CASE("what is no pattern is refused with its place in the file and in the text") {
  const ht_param param = pattern_param();
  const auto error_of = [&](Setting value) {
    value.where = {"p.yaml", 3, 5};
    const Setting settings{Setting::Map{{"patterns", std::move(value)}}, {}, {}, {}};
    return SamplePlugin::error_of([&] { Arguments(&param, 1, &settings, "pass 'x'"); });
  };
  Setting list{Setting::List{text_at("Relu(*)", 4), text_at("Relu(Conv)", 5)}, {}, {}, {}};
  CHECK_EQ(error_of(list),
           "p.yaml:5:7: parameter 'patterns' of pass 'x': pattern 'Relu(Conv)' at 1:6: 'Conv' is an operator, not a "
           "name of a value; write Conv(*) for one with any inputs");
  std::get<Setting::List>(list.value).pop_back();
  CHECK_EQ(error_of(list), "");
  CHECK_EQ(
      error_of(text_at("Relu(x", 3)),
      "p.yaml:3:5: parameter 'patterns' of pass 'x': pattern 'Relu(x' at 1:7: expected ')', found the end of the "
      "pattern; inputs are separated by commas and end with ')'. In a YAML list of brackets a pattern needs quotes");
}

TEST_CASE("what is to become one operator has two at least") {
  ht_param param = pattern_param();
  param.flags |= HT_PARAM_FUSION;
  const auto error_of = [&](const std::string &text) {
    const Setting settings{Setting::Map{{"patterns", text_at(text, 3)}}, {}, {}, {}};
    return SamplePlugin::error_of([&] { Arguments(&param, 1, &settings, "pass 'x'"); });
  };
  CHECK_EQ(error_of("Relu(Conv(*))"), "");
  CHECK(error_of("Relu(*)").find("pattern 'Relu(*)' at 1:1: this is one operator alone") != std::string::npos);
  param.flags = HT_PARAM_LIST | HT_PARAM_FUSION;
  SamplePlugin sample;
  sample.param = param;
  Registry registry;
  CHECK(SamplePlugin::error_of([&] { registry.add(&sample.plugin, {}); }).find("flagged as a fusion") !=
        std::string::npos);
}

TEST_CASE("a component's own default must be a pattern, and its parameter a text") {
  const auto error_of = [](const ht_param &param) {
    SamplePlugin sample;
    sample.param = param;
    Registry registry;
    return SamplePlugin::error_of([&] { registry.add(&sample.plugin, {}); });
  };
  const ht_str good = view("Relu(*)"), bad = view("Relu");
  ht_param param = pattern_param();
  param.deflt = {HT_VALUE_STR, 1, &good, {0, 0}};
  CHECK_EQ(error_of(param), "");
  param.deflt.data = &bad;
  CHECK(error_of(param).find("its default is wrong: pattern 'Relu' at 1:5") != std::string::npos);
  param.kind = HT_VALUE_I64;
  param.deflt = {};
  CHECK(error_of(param).find("flagged as a pattern and is no text") != std::string::npos);
}

}  // namespace
}  // namespace halftone::host
