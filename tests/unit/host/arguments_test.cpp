#include "core/host/arguments.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/base/byte_size.h"
#include "core/host/argument_value.h"
#include "tests/unit/host/sample_plugin.h"

using namespace halftone;
using namespace halftone::host;

namespace {

const std::int64_t kZero = 0, kEight = 8, kMega = 1 << 20, kOne = 1;
const double kHalf = 0.5, kUnit = 1;
const ht_str kChoices[] = {{"kl", 2}, {"mse", 3}, {"percentile", 10}}, kTypes[] = {{"Relu", 4}, {"Clip", 4}};

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

std::vector<ht_param> schema() {
  std::vector<ht_param> all = {
      param("bits", HT_VALUE_I64, {HT_VALUE_I64, 1, &kEight, {0, 0}}),
      param("percentile", HT_VALUE_F64, {HT_VALUE_F64, 1, &kUnit, {0, 0}}, HT_PARAM_NULLABLE),
      param("observer", HT_VALUE_CHOICE, {HT_VALUE_CHOICE, 1, kChoices, {0, 0}}),
      param("activations", HT_VALUE_STR, {HT_VALUE_STR, 2, kTypes, {0, 0}}, HT_PARAM_LIST),
      param("passive", HT_VALUE_FLAG, {HT_VALUE_FLAG, 1, &kOne, {0, 0}}),
      param("budget", HT_VALUE_SIZE, {}, HT_PARAM_NEUTRAL),
      param("options", HT_VALUE_MAP, {}),
      param("steps", HT_VALUE_I64, {}, HT_PARAM_DEPRECATED),
  };
  all[0].low = {HT_VALUE_I64, 1, &kZero, {0, 0}};
  all[1].low = {HT_VALUE_F64, 1, &kHalf, {0, 0}};
  all[1].high = {HT_VALUE_F64, 1, &kUnit, {0, 0}};
  all[2].choices = {HT_VALUE_STR, 3, kChoices, {0, 0}};
  all[5].high = {HT_VALUE_SIZE, 1, &kMega, {0, 0}};
  all[7].replaced_by = "bits";
  return all;
}

template <typename T>
Setting scalar(T value, std::string text = {}) {
  Setting s;
  s.value = std::move(value);
  s.text = std::move(text);
  s.where = {
      "p.yaml",
      7,
      19,
  };
  return s;
}

Setting text(const std::string &value) {
  return scalar(value, value);
}

Setting map(Setting::Map entries) {
  Setting s;
  for (auto &[name, child] : entries) child.key_where = {"p.yaml", 7, 5};
  s.value = std::move(entries);
  s.where = {"p.yaml", 6, 3};
  return s;
}

std::string error_of(const std::string &key, Setting value) {
  return SamplePlugin::error_of([&] {
    const Setting settings = map({{key, std::move(value)}});
    const auto all = schema();
    const Arguments arguments(all.data(), all.size(), &settings, "observer 'percentile'");
  });
}

std::string canonical_with(Setting::Map entries) {
  const Setting settings = map(std::move(entries));
  const auto all = schema();
  return Arguments(all.data(), all.size(), &settings, "pass 'x'").canonical();
}

}  // namespace

TEST_CASE("defaults") {
  const auto all = schema();
  const Arguments arguments(all.data(), all.size(), nullptr, "pass 'x'");
  REQUIRE(arguments.values().size() == all.size());
  CHECK(arguments.values()[5].kind == HT_VALUE_NONE);
  CHECK_EQ(arguments.canonical(),
           "bits=8\npercentile=1\nobserver=\"kl\"\nactivations=[\"Relu\", \"Clip\"]\npassive=true\noptions=none\n"
           "steps=none\n");
}

TEST_CASE("values of every kind, and the conversions that are meant") {
  CHECK_EQ(
      canonical_with({{"bits", scalar(std::int64_t{4})},
                      {"percentile", scalar(std::int64_t{1}, "1")},
                      {"observer", text("mse")},
                      {"activations", text("Gelu")},
                      {"passive", scalar(false, "false")},
                      {"options", map({{"z", scalar(0.5)}, {"a", text("b")}})},
                      {"budget", text("512KiB")}}),
      "bits=4\npercentile=1\nobserver=\"mse\"\nactivations=[\"Gelu\"]\npassive=false\noptions={\"a\": \"b\", \"z\": "
      "0.5}\nsteps=none\n");
  CHECK(canonical_with({{"bits", scalar(1e3, "1e3")}}).starts_with("bits=1000\n"));
  CHECK(canonical_with({{"percentile", scalar(std::monostate{}, "null")}}).find("percentile=none") !=
        std::string::npos);
  // A number where a text is wanted keeps the spelling of the file.
  CHECK(canonical_with({{"activations", scalar(1.10, "1.10")}}).find("[\"1.10\"]") != std::string::npos);
}

TEST_CASE("typed data reaches the component") {
  const auto all = schema();
  const Setting settings = map({{"budget", text("1KiB")}, {"options", map({{"k", scalar(std::int64_t{3})}})}});
  const Arguments made(all.data(), all.size(), &settings, "pass 'x'");
  const ht_value &budget = made.values()[5], &options = made.values()[6];
  CHECK(budget.kind == HT_VALUE_SIZE);
  CHECK(*static_cast<const std::int64_t *>(budget.data) == 1024);
  REQUIRE((options.kind == HT_VALUE_MAP && options.count == 1));
  const ht_field &field = *static_cast<const ht_field *>(options.data);
  CHECK(std::string(field.name.data, field.name.size) == "k");
  CHECK((field.value.kind == HT_VALUE_I64 && *static_cast<const std::int64_t *>(field.value.data) == 3));
}

TEST_CASE("messages") {
  CHECK_EQ(
      error_of("activation", text("Relu")),
      "p.yaml:7:5: observer 'percentile' has no parameter 'activation' (did you mean 'activations'?); it takes bits, "
      "percentile, observer, activations, passive, budget, options, steps");
  CHECK_EQ(error_of("zzzzzzzzzzz", text("Relu")),
           "p.yaml:7:5: observer 'percentile' has no parameter 'zzzzzzzzzzz'; it takes bits, percentile, observer, "
           "activations, passive, budget, options, steps");
  const std::string at = "p.yaml:7:19: parameter ", of = " of observer 'percentile' must ";
  CHECK_EQ(error_of("percentile", scalar(std::int64_t{3}, "3")),
           at + "'percentile'" + of + "be between 0.5 and 1, not 3");
  CHECK_EQ(error_of("bits", scalar(std::int64_t{-1}, "-1")), at + "'bits'" + of + "be at least 0, not -1");
  CHECK_EQ(error_of("bits", scalar(2.5, "2.5")), at + "'bits'" + of + "be a whole number, not 2.5");
  CHECK_EQ(error_of("bits", text("many")), at + "'bits'" + of + "be a whole number, not 'many'");
  CHECK_EQ(error_of("bits", scalar(true, "true")), at + "'bits'" + of + "be a whole number, not true");
  CHECK_EQ(error_of("bits", scalar(std::monostate{}, "~")), at + "'bits'" + of + "have a value, not null");
  CHECK_EQ(error_of("bits", scalar(Setting::List{})), at + "'bits'" + of + "be a whole number, not a list");
  CHECK_EQ(error_of("observer", text("klm")),
           at + "'observer'" + of + "be one of kl, mse, percentile, not 'klm' (did you mean 'kl'?)");
  CHECK_EQ(error_of("passive", scalar(std::int64_t{1}, "1")), at + "'passive'" + of + "be true or false, not 1");
  CHECK_EQ(error_of("budget", text("2MiB")), at + "'budget'" + of + "be at most 1MiB, not 2MiB");
  CHECK_EQ(error_of("budget", text("lots")), at + "'budget'" + of + "be a size such as 512MiB, not 'lots'");
  CHECK_EQ(error_of("options", text("x")), at + "'options'" + of + "be a map, not 'x'");
  CHECK_EQ(error_of("activations", map({})),
           "p.yaml:6:3: parameter 'activations' of observer 'percentile' must be a text, not a map");
}

TEST_CASE("settings that are no map, missing and deprecated parameters") {
  auto all = schema();
  const Setting wrong = text("fast");
  CHECK_EQ(SamplePlugin::error_of([&] { Arguments(all.data(), all.size(), &wrong, "pass 'x'"); }),
           "p.yaml:7:19: pass 'x' takes its parameters as a map, such as {name: value}");
  const Setting old = map({{"steps", scalar(std::int64_t{4})}});
  const Arguments arguments(all.data(), all.size(), &old, "pass 'x'");
  REQUIRE(arguments.warnings.size() == 1);
  CHECK_EQ(arguments.warnings[0], "p.yaml:7:5: parameter 'steps' of pass 'x' is deprecated; use 'bits' instead");
  all[3].flags |= HT_PARAM_REQUIRED;
  const Setting none = map({});
  CHECK_EQ(SamplePlugin::error_of([&] { Arguments(all.data(), all.size(), &none, "pass 'x'"); }),
           "p.yaml:6:3: pass 'x' needs parameter 'activations': A parameter.");
}

TEST_CASE("sizes") {
  std::int64_t bytes = 0;
  auto parsed = [&](const char *size) { return parse_size(size, bytes) ? bytes : std::int64_t{-1}; };
  CHECK(parsed("0") == 0);
  CHECK(parsed("4096") == 4096);
  CHECK(parsed("512MiB") == 512ll << 20);
  CHECK(parsed("2GiB") == 2ll << 30);
  CHECK(parsed("10MB") == 10000000);
  CHECK(parsed("1.5 GiB") == 3ll << 29);
  CHECK(parsed("9223372036854775807") == 9223372036854775807);
  for (const char *bad :
       {"", "GiB", "-1", "1e3", "5Q", "5 MiB x", "nan", "inf", "9223372036854775808", "9000000000TiB"}) {
    CAPTURE(bad);
    CHECK(parsed(bad) == -1);
  }
  CHECK_EQ(format_size(512ll << 20), "512MiB");
  CHECK_EQ(format_size(1000), "1000 bytes");
}
