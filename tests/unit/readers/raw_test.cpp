#include "reader_host.h"
#include "tests/unit/base/temp_folder.h"

using halftone::test::expect_refused;
using halftone::test::OpenReader;
using halftone::test::TempFolder;
using halftone::test::values_of;

namespace {

struct RawArguments {
  explicit RawArguments(std::string_view dtype, std::vector<std::string> shape)
      : dtype_(dtype), shape_(std::move(shape)) {
    type_text_ = {dtype_.data(), dtype_.size()};
    for (const std::string &s : shape_) shape_texts_.push_back({s.data(), s.size()});
  }
  std::vector<ht_value> values() const {
    return {{HT_VALUE_STR, 1, &type_text_, {0, 0}},
            {HT_VALUE_STR, static_cast<std::uint32_t>(shape_texts_.size()), shape_texts_.data(), {0, 0}}};
  }

 private:
  std::string dtype_;
  std::vector<std::string> shape_;
  ht_str type_text_{};
  std::vector<ht_str> shape_texts_;
};

}  // namespace

TEST_CASE("samples one after the other, over several files") {
  const TempFolder folder;
  folder.write("a.bin", std::string("\1\2\3\4", 4));
  folder.write("b.bin", std::string("\5\6", 2));
  const RawArguments arguments("uint8", {"2"});
  OpenReader reader("raw", folder.path().string(), arguments.values());
  REQUIRE(reader.status() == HT_OK);
  CHECK(reader.count() == 3);
  ht_tensor_view sample{};
  REQUIRE(reader.read(1, sample) == HT_OK);
  CHECK(values_of<std::uint8_t>(sample) == std::vector<std::uint8_t>{3, 4});
  REQUIRE(reader.read(2, sample) == HT_OK);
  CHECK(values_of<std::uint8_t>(sample) == std::vector<std::uint8_t>{5, 6});
  CHECK(reader.name(2) == "b.bin[0]");
}

TEST_CASE("type, shape and size must agree") {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", std::string(10, 'x')).string();
  expect_refused("raw", path, HT_DATA_LOSS, {"10 bytes", "multiple of the 12"},
                 RawArguments("float32", {"3"}).values());
  expect_refused("raw", path, HT_INVALID_ARGUMENT, {"'floot'"}, RawArguments("floot", {"3"}).values());
  expect_refused("raw", path, HT_INVALID_ARGUMENT, {"'x3'"}, RawArguments("uint8", {"x3"}).values());
  expect_refused("raw", path, HT_INVALID_ARGUMENT, {"extent of 0"}, RawArguments("uint8", {"0"}).values());
}
