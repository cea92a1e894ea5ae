// The table of methods and what is refused, with the words that a user reads.
#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include <fmt/core.h>

#include "halftone/status.hpp"
#include "value_case.h"

namespace halftone::trainer {
namespace {

void refused(const PointSpec &spec, const char *method, const test::Fields &fields, const char *text) {
  try {
    make_fake_quantizer(spec, method, fields.all());
    FAIL_CHECK("not refused: ", text);
  } catch (const sdk::Failure &failure) {
    CHECK(failure.status() == HT_INVALID_ARGUMENT);
    CHECK(std::string(failure.what()) == text);
  }
}

TEST_CASE("every method is listed with its texts and parameters") {
  std::set<std::string_view> names;
  for (const MethodDescription &method : fake_quantizer_methods()) {
    names.insert(method.name);
    CHECK_FALSE(method.title.empty());
    CHECK_FALSE(method.doc.empty());
    CHECK(method.source.find("arXiv:") != std::string_view::npos);
    for (const ht_param &p : method.parameters) {
      CHECK(p.deflt.count == 1);
      CHECK(std::string_view(p.doc).size() > 10);
    }
  }
  CHECK(names == std::set<std::string_view>{"fixed", "power-of-two", "lsq", "lsq-plus", "pact", "dsq", "tqt", "dorefa",
                                            "adaround", "qdrop"});
}

TEST_CASE("the page about fake quantizers has every method and parameter") {
  std::ifstream in(std::string(std::getenv("HALFTONE_SOURCE_DIR")) + "/docs/fake-quantizers.md");
  std::stringstream page;
  page << in.rdbuf();
  for (const MethodDescription &method : fake_quantizer_methods()) {
    INFO(std::string(method.name));
    const std::string text = page.str();
    const std::size_t begin = text.find(fmt::format("\n## {}\n", method.name));
    REQUIRE(begin != std::string::npos);
    const std::string section = text.substr(begin, text.find("\n## ", begin + 4) - begin);
    for (const ht_param &p : method.parameters) {
      INFO(std::string(p.name));
      CHECK(section.find(fmt::format("`{}`", p.name)) != std::string::npos);
    }
    const std::string source(method.source);
    CHECK(text.find(source.substr(source.find("arXiv:"), 16)) != std::string::npos);
  }
}

TEST_CASE("what can be learned") {
  constexpr std::uint32_t scale = 1U << HT_LEARNED_SCALE, offset = 1U << HT_LEARNED_OFFSET;
  constexpr std::uint32_t rounding = 1U << HT_LEARNED_ROUNDING;
  PointSpec weight{-8, 7}, asymmetric{0, 15};
  weight.is_weight = true;
  asymmetric.symmetric = false;
  const auto learnable = [](const PointSpec &spec, const char *method) {
    return make_fake_quantizer(spec, method, {})->learnable();
  };
  CHECK(learnable(weight, "") == 0);
  CHECK(learnable(weight, "dorefa") == 0);
  CHECK(learnable(weight, "adaround") == (rounding | scale));
  CHECK(learnable(weight, "lsq") == scale);
  CHECK(learnable(asymmetric, "lsq") == scale);
  CHECK(learnable(weight, "lsq-plus") == scale);
  CHECK(learnable(asymmetric, "lsq-plus") == (scale | offset));
  CHECK(learnable(asymmetric, "qdrop") == (scale | offset));
  CHECK(learnable(asymmetric, "pact") == scale);
  CHECK(learnable(weight, "tqt") == scale);
  PointSpec shifted = weight;
  shifted.power_of_two = true;
  CHECK(learnable(shifted, "adaround") == rounding);
  CHECK(learnable(shifted, "tqt") == scale);
}

TEST_CASE("unknown methods, parameters and values are refused with the remedy") {
  const PointSpec spec;
  refused(
      spec, "lsg", {},
      "there is no fake quantizer 'lsg'; choose one of: fixed, power-of-two, lsq, lsq-plus, pact, dsq, tqt, dorefa, "
      "adaround, qdrop");
  refused(spec, "fixed", test::Fields().number("bits", 4),
          "there is no parameter 'bits' of method 'fixed'; it has none");
  refused(spec, "lsq", test::Fields().number("bits", 4),
          "there is no parameter 'bits' of method 'lsq'; it has bounds, gradient_scale, initial");
  refused(spec, "lsq", test::Fields().text("bounds", "codes"),
          "parameter 'bounds' of method 'lsq' is 'codes'; choose one of: value, code");
  refused(spec, "lsq", test::Fields().number("bounds", 1), "parameter 'bounds' of method 'lsq' takes a text");
  refused(spec, "lsq", test::Fields().text("gradient_scale", "yes"),
          "parameter 'gradient_scale' of method 'lsq' takes true or false");
  refused(spec, "qdrop", test::Fields().number("keep", 1.5),
          "parameter 'keep' of method 'qdrop' is 1.5; it has to be from 0 to 1");
  refused(spec, "dsq", test::Fields().text("alpha", "soft"), "parameter 'alpha' of method 'dsq' takes a number");
}

TEST_CASE("points that a method is not for are refused with the remedy") {
  PointSpec shifted, small_float, asymmetric, weight, upward;
  shifted.power_of_two = true;
  small_float.kind = HT_QUANT_F8E4M3FN;
  asymmetric.symmetric = false;
  weight.is_weight = true;
  upward.rounding = HT_ROUND_UP;
  refused(shifted, "lsq", {},
          "method 'lsq' learns scales of any size, and the scales of this config are powers of two; use 'tqt'");
  refused(small_float, "pact", {},
          "method 'pact' is for integers, and this config quantizes to float8; use 'fixed' or 'lsq'");
  refused(asymmetric, "tqt", {}, "method 'tqt' is for symmetric configs; use 'lsq-plus' for asymmetric ones");
  refused(weight, "qdrop", {}, "method 'qdrop' is for activations; use 'adaround' or 'lsq' for weights");
  refused({}, "adaround", {}, "method 'adaround' is for weights; use 'qdrop' or 'lsq' for activations");
  refused({}, "dorefa", {}, "method 'dorefa' is for weights; use 'pact' or 'lsq' for activations");
  refused(upward, "dsq", {}, "method 'dsq' has its steps half way between codes; use a config that rounds to nearest");
}

TEST_CASE("a flag switches the factor of LSQ") {
  CHECK(make_fake_quantizer({-8, 7}, "lsq", {})->gradient_factor(28) == doctest::Approx(1 / 14.0));
  CHECK(make_fake_quantizer({-8, 7}, "lsq", test::Fields().flag("gradient_scale", false).all())->gradient_factor(28) ==
        1);
}

}  // namespace
}  // namespace halftone::trainer
