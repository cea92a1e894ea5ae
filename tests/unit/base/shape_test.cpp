#include "core/base/shape.h"

#include <doctest/doctest.h>

#include "core/pipeline/yaml_setting.h"
#include "tests/unit/base/expect_error.h"

namespace halftone {
namespace {

const Codes kFruit = {{"apple", 3}, {"pear", 4}};

Shape basket() {
  Shape rest = shape::map({{"count", shape::integer(1, 9), "how many", true}, {"kind", shape::choice(kFruit), ""}});
  return shape::map({{"version", shape::integer(1, 1), "of the format"},
                     {"name", shape::text(), ""},
                     {"weights", shape::numbers(), ""},
                     {"room", shape::size(), ""},
                     {"fruit", shape::list(shape::either({shape::text(), rest})), ""},
                     {"open", shape::flag(), ""},
                     {"notes", shape::map_of(shape::text()), ""}});
}

Setting parsed(const char *yaml) {
  return pipeline::parse_yaml(yaml, "b.yaml");
}

void refused(const char *yaml, std::string_view message) {
  test::expect_error(Status::kInvalidArgument, {message}, [&] { check_shape(parsed(yaml), basket(), "the basket"); });
}

}  // namespace

TEST_CASE("what a shape takes can be read") {
  const Setting root = parsed(
      "{version: 1, name: 7, weights: [1, 2.5], room: 2KiB, open: true, fruit: [fig, {count: 2, kind: pear}], "
      "notes: {a: b}}");
  check_shape(root, basket(), "the basket");
  CHECK(text_at(root, "name") == "7");
  CHECK(text_at(root, "other", "none") == "none");
  CHECK(numbers_of(*given(root, "weights")) == std::vector<double>{1, 2.5});
  CHECK(size_of(*given(root, "room")) == 2048);
  CHECK(flag_at(root, "open", false));
  const Setting &pear = given(root, "fruit")->list()[1];
  CHECK(integer_at(pear, "count", 0) == 2);
  CHECK(code_at(pear, "kind", kFruit, 0) == 4);
  check_shape(parsed("{name: , fruit: []}"), basket(), "the basket");  // a key without a value counts as absent
  CHECK(text_at(parsed("{name: }"), "name", "none") == "none");
}

TEST_CASE("what a shape does not take is named with place, path and what is allowed") {
  refused("[1]", "b.yaml:1:1: the basket must be a map of keys to values, not a list");
  refused("{nam: x}", "b.yaml:1:2: the basket has no key 'nam' (did you mean 'name'?); it takes: version, name");
  refused("{name: [x]}", "b.yaml:1:8: `name` must be a single value, not a list");
  refused("{weights: x}", "b.yaml:1:11: `weights` must be a number, not 'x'");
  refused("{weights: [1, .inf]}", "an entry of `weights` must be a number, not '.inf'");
  refused("{room: much}", "`room` must be a size such as 512MiB or 2GiB, not 'much'");
  refused("{open: 1}", "`open` must be true or false, not '1'");
  refused("{fruit: fig}", "`fruit` must be a list, not 'fig'");
  refused("{fruit: [[fig]]}", "an entry of `fruit` must be a single value or a map of keys to values, not a list");
  refused("{fruit: [{kind: pear}]}", "an entry of `fruit` needs the key 'count': how many");
  refused("{fruit: [{count: 10}]}", "`fruit.count` must be between 1 and 9, not 10");
  refused("{fruit: [{count: 1, kind: per}]}",
          "`fruit.kind` must be one of apple, pear, not 'per' (did you mean 'pear'?)");
  refused("{notes: {a: [b]}}", "`notes.a` must be a single value, not a list");
}

TEST_CASE("a file of another version is told so before its keys are looked at") {
  test::expect_error(Status::kInvalidArgument,
                     {"b.yaml:1:11: this is file format '2'; this program reads `version: 1`"},
                     [] { require_version(parsed("{version: 2, shape: new}"), "version", 1); });
  require_version(parsed("{name: x}"), "version", 1);
}

}  // namespace halftone
