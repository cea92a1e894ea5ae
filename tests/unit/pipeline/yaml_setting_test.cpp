#include "core/pipeline/yaml_setting.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "tests/unit/base/expect_error.h"

using halftone::Setting;
using halftone::Status;
using halftone::pipeline::apply_override;
using halftone::pipeline::parse_yaml;
using halftone::test::expect_error;

namespace {

const Setting &at(const Setting &s, const char *key) {
  const Setting *found = s.find(key);
  REQUIRE(found != nullptr);
  return *found;
}
template <typename T>
T get(const Setting &s) {
  REQUIRE(std::holds_alternative<T>(s.value));
  return std::get<T>(s.value);
}

}  // namespace

TEST_CASE("unquoted scalars are typed by the core schema, quoted ones are text") {
  const Setting s = parse_yaml(
      "a: 12\nb: 0x1F\nc: -7\nd: 1.5e3\ne: true\nf: ~\ng:\nh: '12'\ni: \"true\"\nj: yes\nk: -.inf\nl: .nan\nm: "
      "0o17\nn: +3\no: 1.\n"
      "p: 1e400\nq: 99999999999999999999\nr: 12px\ns: |\n  42\nt: -0x10\nu: 012\n",
      "x.yaml");
  CHECK(get<std::int64_t>(at(s, "a")) == 12);
  CHECK(get<std::int64_t>(at(s, "b")) == 31);
  CHECK(get<std::int64_t>(at(s, "c")) == -7);
  CHECK(get<double>(at(s, "d")) == 1500.0);
  CHECK(get<bool>(at(s, "e")));
  CHECK(at(s, "f").is_null());
  CHECK(at(s, "g").is_null());
  CHECK(get<std::string>(at(s, "h")) == "12");
  CHECK(get<std::string>(at(s, "i")) == "true");
  CHECK(get<std::string>(at(s, "j")) == "yes");
  CHECK(get<double>(at(s, "k")) == -INFINITY);
  CHECK(std::isnan(get<double>(at(s, "l"))));
  CHECK(get<std::int64_t>(at(s, "m")) == 15);
  CHECK(get<std::int64_t>(at(s, "n")) == 3);
  CHECK(get<double>(at(s, "o")) == 1.0);
  CHECK(get<std::string>(at(s, "p")) == "1e400");
  CHECK(get<double>(at(s, "q")) == 1e20);
  CHECK(get<std::string>(at(s, "r")) == "12px");
  CHECK(get<std::string>(at(s, "s")) == "42\n");
  CHECK(get<std::string>(at(s, "t")) == "-0x10");
  CHECK(get<std::int64_t>(at(s, "u")) == 12);
  CHECK(at(s, "d").text == "1.5e3");
}

TEST_CASE("every value knows where it was written") {
  const Setting s = parse_yaml("a:\n  - x\n  - {y: 5}\n", "p.yaml");
  const Setting &entry = at(s, "a").list()[1];
  CHECK(at(entry, "y").where.text() == "p.yaml:3:9");
  CHECK(at(entry, "y").key_where.text() == "p.yaml:3:6");
}

TEST_CASE("JSON is read as it is") {
  const Setting s = parse_yaml("{\"mean\": [0.5, 1], \"bgr\": false, \"name\": \"a\\u00e9\"}", "m.json");
  CHECK(at(s, "mean").list().size() == 2);
  CHECK(get<bool>(at(s, "bgr")) == false);
  CHECK(get<std::string>(at(s, "name")) == "a\xc3\xa9");
}

TEST_CASE("anchors, aliases and merge keys are resolved") {
  const Setting s =
      parse_yaml("base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [{y: 9}, *b]}\nthree: *b\n", "a.yaml");
  CHECK(get<std::int64_t>(at(at(s, "one"), "x")) == 1);
  CHECK(get<std::int64_t>(at(at(s, "one"), "y")) == 3);
  CHECK(get<std::int64_t>(at(at(s, "two"), "y")) == 9);
  CHECK(get<std::int64_t>(at(at(s, "three"), "y")) == 2);
}

TEST_CASE("what is wrong is told with its place") {
  expect_error(Status::kInvalidArgument, {"d.yaml:3:1", "'a' is written twice", "d.yaml:1:1"},
               [] { parse_yaml("a: 1\nb: 2\na: 3\n", "d.yaml"); });
  expect_error(Status::kInvalidArgument, {"s.yaml:3:1", "end of sequence"},
               [] { parse_yaml("a: [1,\nb: 2\n", "s.yaml"); });
  expect_error(Status::kInvalidArgument, {"second YAML document"}, [] { parse_yaml("a: 1\n---\nb: 2\n", "m.yaml"); });
  expect_error(Status::kInvalidArgument, {"'<<' takes a map"}, [] { parse_yaml("a: {<<: 5}\n", "m.yaml"); });
  expect_error(Status::kInvalidArgument, {"tag"}, [] { parse_yaml("a: !!binary aGk=\n", "t.yaml"); });
  expect_error(Status::kInvalidArgument, {"k.yaml:1:", "a key must be"}, [] { parse_yaml("{[1, 2]: 3}\n", "k.yaml"); });
  expect_error(Status::kInvalidArgument, {"u.yaml:1:4"}, [] { parse_yaml("a: *nothing\n", "u.yaml"); });
}

TEST_CASE("documents that explode are refused") {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    laughs += fmt::format("a{}: &a{} [*a{}", i, i, i - 1);
    for (int k = 0; k < 9; ++k) laughs += fmt::format(", *a{}", i - 1);
    laughs += "]\n";
  }
  expect_error(Status::kInvalidArgument, {"entries after aliases"}, [&] { parse_yaml(laughs, "l.yaml"); });
  expect_error(Status::kInvalidArgument, {"deep"},
               [] { parse_yaml(std::string(200, '[') + std::string(200, ']'), "deep.yaml"); });
  CHECK_THROWS_AS(parse_yaml(std::string(100000, '['), "deep.yaml"), halftone::Error);
  expect_error(Status::kInvalidArgument, {"levels deep"}, [] { parse_yaml("&a [*a]", "self.yaml"); });
}

TEST_CASE("an empty document is null") {
  CHECK(parse_yaml("# nothing\n", "e.yaml").is_null());
}

TEST_CASE("overrides reach into maps and lists and make what is missing") {
  Setting root = parse_yaml("passes:\n  - minmax\n  - kl: {bins: 8}\n", "p.yaml");
  apply_override(root, "calibration.limit=64", "--set");
  apply_override(root, "passes.0.minmax.group=32", "--set");
  apply_override(root, "passes.1.kl.bins=16", "--set");
  apply_override(root, "passes.2=extra", "--set");
  apply_override(root, "mean=[0.5, 0.25]", "--set");
  CHECK(get<std::int64_t>(at(at(root, "calibration"), "limit")) == 64);
  CHECK(at(at(root, "calibration"), "limit").where.file == "--set 'calibration.limit=64'");
  const Setting::List &passes = at(root, "passes").list();
  CHECK(get<std::int64_t>(at(at(passes[0], "minmax"), "group")) == 32);
  CHECK(get<std::int64_t>(at(at(passes[1], "kl"), "bins")) == 16);
  CHECK(get<std::string>(passes[2]) == "extra");
  CHECK(at(root, "mean").list().size() == 2);
  expect_error(Status::kInvalidArgument, {"--set 'nothing'", "key=value"},
               [&] { apply_override(root, "nothing", "--set"); });
  expect_error(Status::kInvalidArgument, {"has 3 entries"}, [&] { apply_override(root, "passes.7=x", "--set"); });
  expect_error(Status::kInvalidArgument, {"does not number"}, [&] { apply_override(root, "passes.a=x", "--set"); });
  expect_error(Status::kInvalidArgument, {"is no map"},
               [&] { apply_override(root, "calibration.limit.x=1", "--set"); });
  expect_error(Status::kInvalidArgument, {"empty name"}, [&] { apply_override(root, "a..b=1", "--set"); });
}
