#include "core/pipeline/json_setting.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/base/expect_error.h"

using halftone::Setting;
using halftone::Status;
using halftone::pipeline::parse_json;
using halftone::test::expect_error;

namespace {

const Setting &at(const Setting &s, const char *key) {
  const Setting *found = s.find(key);
  REQUIRE(found != nullptr);
  return *found;
}

std::string where(const Setting &s) {
  return s.where.text();
}

}  // namespace

TEST_CASE("values have the types that JSON says") {
  const Setting s = parse_json(
      R"({"a": 12, "b": "12", "c": 1e-05, "d": true, "e": null, "f": [1, "x"], "g": {}, "h": 18446744073709551615, "i": -3})",
      "x.json");
  CHECK(std::get<std::int64_t>(at(s, "a").value) == 12);
  CHECK(std::get<std::string>(at(s, "b").value) == "12");
  CHECK(std::get<double>(at(s, "c").value) == 1e-05);
  CHECK(at(s, "c").text == "1e-05");
  CHECK(std::get<bool>(at(s, "d").value));
  CHECK(at(s, "e").is_null());
  REQUIRE(at(s, "f").is_list());
  CHECK(at(s, "f").list()[1].text == "x");
  CHECK((at(s, "g").is_map() && at(s, "g").map().empty()));
  CHECK(std::get<double>(at(s, "h").value) == 18446744073709551615.0);
  CHECK(std::get<std::int64_t>(at(s, "i").value) == -3);
  CHECK(std::get<std::int64_t>(parse_json("7", "x.json").value) == 7);
}

TEST_CASE("every value and key knows its place") {
  const Setting s =
      parse_json("{\n  \"a\" : 12,\n  \"b\": [true,\n    \"x\\\\\\\"y\", -2.5],\n  \"c\": {\"d\": null}}", "x.json");
  CHECK(where(s) == "x.json:1:1");
  CHECK(where(at(s, "a")) == "x.json:2:9");
  CHECK(at(s, "a").key_where.text() == "x.json:2:3");
  CHECK(where(at(s, "b")) == "x.json:3:8");
  const Setting::List &list = at(s, "b").list();
  CHECK(where(list[0]) == "x.json:3:9");
  CHECK(list[1].text == "x\\\"y");
  CHECK(where(list[1]) == "x.json:4:5");
  CHECK(where(list[2]) == "x.json:4:15");
  CHECK(where(at(s, "c")) == "x.json:5:8");
  CHECK(where(at(at(s, "c"), "d")) == "x.json:5:14");
  CHECK(at(at(s, "c"), "d").key_where.text() == "x.json:5:9");
}

TEST_CASE("what is no JSON is refused with its place") {
  const auto refused = [](const char *text, const char *place) {
    try {
      (void)parse_json(text, "x.json");
      FAIL_CHECK("accepted: " << text);
    } catch (const halftone::Error &error) {
      CHECK(error.status() == Status::kInvalidArgument);
      CHECK_MESSAGE(error.message().starts_with(std::string(place) + ": "), error.message());
    }
  };
  refused("{\n  \"a\": 12,\n  \"b\": ,\n}", "x.json:3:8");
  refused("{'a': 1}", "x.json:1:2");
  refused("{\"a\": NaN}", "x.json:1:7");
  refused("{\"a\": 1} x", "x.json:1:10");
  refused("", "x.json:1:1");
  refused("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", "x.json:3:2");
  refused((std::string(100, '[')).c_str(), "x.json:1:65");
  expect_error(Status::kInvalidArgument, {"x.json:2:2: 'a' is written twice; first at x.json:1:2"},
               [] { (void)parse_json("{\"a\": 1,\n \"a\": 3}", "x.json"); });
}
