#include "core/base/digest.h"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>

namespace halftone {
namespace {

std::string of_texts(std::initializer_list<std::string_view> texts) {
  Digester digester;
  for (const std::string_view t : texts) digester.add(t);
  return digester.finish().hex();
}

}  // namespace

TEST_CASE("digests are 32 lower-case digits and repeatable") {
  const std::string hex = of_texts({"halftone"});
  CHECK(hex.size() == 32);
  CHECK(hex.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(hex == of_texts({"halftone"}));
  CHECK(Digest{0x1, 0xAB}.hex() == "000000000000000100000000000000ab");
}

TEST_CASE("pieces are told apart by length, order and type") {
  std::set<std::string> seen{of_texts({}),          of_texts({""}),    of_texts({"ab", "c"}),
                             of_texts({"a", "bc"}), of_texts({"abc"}), of_texts({"c", "ab"})};
  CHECK(seen.size() == 6);
  const std::int64_t number = 0x6162636465666768;
  const std::array<std::byte, 8> bytes = {std::byte{0x68}, std::byte{0x67}, std::byte{0x66}, std::byte{0x65},
                                          std::byte{0x64}, std::byte{0x63}, std::byte{0x62}, std::byte{0x61}};
  Digester as_number, as_bytes, as_text;
  as_number.add(number);
  as_bytes.add(bytes);
  as_text.add("hgfedcba");
  CHECK(as_number.finish() != as_bytes.finish());
  CHECK(as_bytes.finish() != as_text.finish());
}

TEST_CASE("finish can be called in between") {
  Digester digester;
  digester.add("a");
  const Digest first = digester.finish();
  CHECK(first == digester.finish());
  digester.add("b");
  CHECK(digester.finish().hex() == of_texts({"a", "b"}));
}

}  // namespace halftone
