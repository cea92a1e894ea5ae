#include "core/pipeline/platform_descriptor.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/base/cpu_features.h"
#include "core/pipeline/yaml_setting.h"
#include "halftone/config.h"
#include "tests/unit/base/expect_error.h"

using halftone::Status;
using halftone::pipeline::parse_platform;
using halftone::pipeline::PlatformDescriptor;
using halftone::test::expect_error;

namespace {

constexpr const char *kHead = "halftone-platform: 1\nid: t\n";
const std::string kSmall = std::string(kHead) + "types: {activation: {bits: 8}}\noperators:\n  - {types: [Conv]}\n";

void expect(const std::string &yaml, std::initializer_list<std::string_view> words) {
  expect_error(Status::kInvalidArgument, words, [&] { parse_platform(yaml, "t.yaml"); });
}
std::string with_type(const std::string &keys) {
  return std::string(kHead) + "types:\n  activation: {" + keys + "}\noperators: []\n";
}

}  // namespace

TEST_CASE("a type's range follows from its bits and sign") {
  const PlatformDescriptor p = parse_platform(
      "halftone-platform: 1\nid: t\ntypes:\n  activation: {bits: 8, signed: false, symmetry: asymmetric}\n"
      "  weight: {bits: 4, granularity: channel, span: half, rounding: half-up, scale: power-of-two, observer: "
      "minmax}\n"
      "  bias: fp32\noperators: []\n",
      "t.yaml");
  const ht_quant_spec &a = p.types.at("activation").spec;
  CHECK(a.quant_min == 0);
  CHECK(a.quant_max == 255);
  CHECK(a.symmetry == HT_ASYMMETRIC);
  CHECK(a.granularity == HT_PER_TENSOR);
  CHECK(a.visibility == HT_EXPORT_WHEN_ACTIVE);
  const ht_quant_spec &w = p.types.at("weight").spec;
  CHECK(w.quant_min == -8);
  CHECK(w.quant_max == 7);
  CHECK(w.granularity == HT_PER_CHANNEL);
  CHECK(w.span == HT_SPAN_HALF);
  CHECK(w.rounding == HT_ROUND_HALF_UP);
  CHECK(w.scale_form == HT_SCALE_POWER_OF_TWO);
  CHECK(p.types.at("weight").observer == "minmax");
  CHECK(p.bias_in_float);
}

TEST_CASE("mistakes are named with place, allowed values and the nearest name") {
  expect(kSmall + "operatos: 1\n", {"t.yaml:6:1", "has no key 'operatos'", "did you mean 'operators'"});
  expect(with_type("bitz: 8"), {"t.yaml:4:16", "`types.activation` has no key 'bitz'", "'bits'"});
  expect(with_type("bits: 40"), {"t.yaml:4:22", "must be between 2 and 32, not 40"});
  expect(with_type("bits: eight"), {"must be a whole number, not 'eight'"});
  expect(with_type("symmetry: symetric"), {"did you mean 'symmetric'", "symmetric, asymmetric"});
  expect(with_type("signed: 1"), {"must be true or false, not '1'"});
  expect(with_type("min: -128, bits: 8, signed: false"), {"must be between 0 and 255"});
  expect(with_type("signed: false"), {"symmetric type needs negative codes"});
  expect(with_type("granularity: block"), {"needs a 'block_size'"});
  expect(with_type("axis: 1"), {"granularity 'tensor' has none"});
  expect(with_type("kind: float8e4m3fn, min: 0"), {"fixed range"});
  expect(with_type("observer_parameters: {a: 1}"), {"no 'observer'"});
  expect("halftone-platform: 2\nid: t\n", {"t.yaml:1:20", "this is file format '2'"});
  expect("id: t\n", {"needs the key 'halftone-platform'"});
  expect(std::string(kHead) + "types: {weight: {bits: 8}}\noperators: []\n", {"needs the key 'activation'"});
  expect(std::string(kHead) + "types: {activation: fp32}\noperators: []\n", {"`types.activation` must be a map"});
}

TEST_CASE("operator rules are checked") {
  const std::string head = std::string(kHead) + "types: {activation: {bits: 8}}\noperators:\n";
  expect(head + "  - {inputs: activation}\n", {"t.yaml:5:5", "needs the key 'types'"});
  expect(head + "  - {types: [Conv], inputs: {0: activatoin}}\n",
         {"no type 'activatoin'", "did you mean 'activation'"});
  expect(head + "  - {types: [Conv], inputs: {x: activation}}\n", {"'x' in `inputs` is no slot number"});
  expect(head + "  - {types: [Conv], passiv: true}\n", {"has no key 'passiv'", "'passive'"});
  expect(head + "  - {types: [Conv], when: {input_rank: {0: many}}}\n", {"must be a whole number"});
  expect(kSmall + "fusion: {activation: [Relu]}\n", {"`fusion` has no key 'activation'", "'activations'"});
  expect(kSmall + "fusion:\n  patterns:\n    - y = Relu(Conv(*))\n    - y = Relu(Conv)\n",
         {"t.yaml:9:7: 'fusion.patterns': pattern 'y = Relu(Conv)' at 1:10: 'Conv' is an operator", "Conv(*)"});
  expect(kSmall + "fusion: {patterns: [y = Add(a, b)]}\n",
         {"t.yaml:6:21", "In a YAML list of brackets a pattern needs quotes"});
  expect(kSmall + "fusion: {patterns: 'Relu'}\n", {"t.yaml:6:20: 'fusion.patterns': pattern 'Relu' at 1:5"});
  expect(kSmall + "fusion: {patterns: [{a: b}]}\n",
         {"t.yaml:6:21: an entry of `fusion.patterns` must be a single value, not a map"});
  expect(kSmall + "alignment: {concat: to_larg}\n", {"did you mean 'to_large'"});
  expect(kSmall + "pipeline: [{a: 1, b: 2}]\n", {"a pass is a name"});
}

TEST_CASE("options are found by dotted name") {
  const PlatformDescriptor p =
      parse_platform(kSmall + "fusion: {activations: [Relu]}\noptions: {a: {b: 3}}\n", "t.yaml");
  REQUIRE(p.option("fusion.activations") != nullptr);
  CHECK(p.option("fusion.activations")->list().size() == 1);
  CHECK(p.option("options.a.b")->text == "3");
  CHECK(p.option("fusion.swish") == nullptr);
  CHECK(p.option("a.b.c") == nullptr);
  CHECK(p.pipeline() == nullptr);
}

const std::string kChoosing = kSmall + R"(settings:
  cpu: {choices: [vnni, avx2, auto], default: vnni, doc: who runs it, auto: {feature: vnni, present: vnni, absent: avx2}}
  mode: {choices: [fast, exact], default: exact}
variants:
  - {when: {cpu: avx2}, note: fewer bits, types: {activation: {bits: 7}}, fusion: {activations: [Clip]}}
  - {when: {cpu: avx2, mode: fast}, types: {activation: {symmetry: symmetric, signed: true}}}
)";

PlatformDescriptor choose(std::string_view wanted) {
  return parse_platform(kChoosing, "t.yaml", halftone::pipeline::parse_yaml(wanted, "wanted"));
}

TEST_CASE("choices change what the variants say and nothing else") {
  const PlatformDescriptor plain = parse_platform(kChoosing, "t.yaml");
  CHECK(plain.types.at("activation").spec.bits == 8);
  CHECK(plain.notes.empty());
  CHECK(plain.chosen == std::vector<std::pair<std::string, std::string>>{{"cpu", "vnni"}, {"mode", "exact"}});

  const PlatformDescriptor narrow = choose("{cpu: avx2}");
  CHECK(narrow.types.at("activation").spec.bits == 7);
  CHECK(narrow.types.at("activation").spec.symmetry == plain.types.at("activation").spec.symmetry);
  CHECK(narrow.notes == std::vector<std::string>{"fewer bits"});
  CHECK(narrow.option("fusion.activations")->list().front().text == "Clip");
  CHECK(narrow.operators.size() == plain.operators.size());

  const PlatformDescriptor both = choose("{mode: fast, cpu: avx2}");
  CHECK(both.types.at("activation").spec.bits == 7);
  CHECK(both.types.at("activation").spec.symmetry == HT_SYMMETRIC);
  CHECK(choose("{mode: fast}").types.at("activation").spec.bits == 8);
}

TEST_CASE("auto becomes what this processor is") {
  const PlatformDescriptor p = choose("{cpu: auto}");
  const bool vnni = halftone::has_cpu_feature("vnni");
  CHECK(p.chosen.front().second == (vnni ? "vnni" : "avx2"));
  CHECK(p.types.at("activation").spec.bits == (vnni ? 8 : 7));
  REQUIRE_FALSE(p.notes.empty());
  CHECK(p.notes.front() == (vnni ? "cpu: auto is vnni here; this processor has vnni"
                                 : "cpu: auto is avx2 here; this processor has no vnni"));
}

TEST_CASE("settings that do not fit together are refused, those of variants that are not chosen too") {
  const auto with = [](std::string_view setting) { return kSmall + "settings: {a: " + std::string(setting) + "}\n"; };
  expect(with("{choices: [x]}"), {"needs the key 'default'"});
  expect(with("{choices: [x, y], default: z}"), {"`a` is one of x, y, not 'z'"});
  expect(with("{choices: [x, auto], default: x}"), {"the choice 'auto' and the key `auto` belong together"});
  expect(with("{choices: [x], default: x, auto: {feature: vnni, present: x, absent: x}}"), {"belong together"});
  expect(with("{choices: [x, auto], default: x, auto: {feature: sse9, present: x, absent: x}}"),
         {"'sse9' is no feature of a processor known here; known: vnni"});
  const std::string good = with("{choices: [x, auto], default: x, auto: {feature: vnni, present: x, absent: x}}");
  expect(good + "variants: [{when: {b: x}, note: n}]\n", {"the platform has no setting 'b'", "it has: a"});
  expect(good + "variants: [{when: {a: w}, note: n}]\n", {"`a` is one of x, auto, not 'w'"});
  expect(good + "variants: [{when: {a: auto}, note: n}]\n", {"'auto' becomes another choice"});
  expect(good + "variants: [{when: {}, note: n}]\n", {"would always apply"});
  expect(good + "variants: [{when: {a: x}}]\n", {"changes nothing"});
  expect(good, {"t.yaml:6:", "no variant looks at the setting 'a'"});
  expect(with("{choices: [x, y, x], default: x}"), {"offers 'x' twice"});
  expect(with("{choices: [x, auto], default: x, auto: {feature: vnni, present: auto, absent: x}}"),
         {"'auto' must become another choice"});
  expect(good + "variants: [{when: {a: x}, id: other}]\n", {"has no key 'id'"});
  expect(good + "variants: [{types: {activation: {bits: 4}}}]\n", {"needs the key 'when'"});
  expect(good + "variants: [{when: {a: x}, types: {activation: {min: 5, max: 4}}}]\n", {"it must be above 'min'"});
}

TEST_CASE("the descriptors that ship are sound and named after their files") {
  const char *root = std::getenv("HALFTONE_SOURCE_DIR");
  REQUIRE(root != nullptr);
  std::size_t count = 0;
  for (const auto &entry : std::filesystem::directory_iterator(std::filesystem::path(root) / "plugins" / "platforms")) {
    if (entry.path().extension() != ".yaml") continue;
    const PlatformDescriptor p = halftone::pipeline::parse_platform_file(entry.path());
    CHECK(entry.path().filename().string() == p.id + ".platform.yaml");
    CHECK(p.pipeline() != nullptr);
    CHECK_FALSE(p.title.empty());
    ++count;
  }
  CHECK(count >= 4);
}
