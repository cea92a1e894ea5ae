#include "reader_host.h"
#include "tests/unit/base/temp_folder.h"

using halftone::test::OpenReader;
using halftone::test::shape_of;
using halftone::test::TempFolder;
using halftone::test::values_of;

namespace {

bool present() {
  for (std::uint64_t i = 0; i < ht_plugin_entry.component_count; ++i) {
    if (std::string_view(ht_plugin_entry.components[i]->id) == "images") return true;
  }
  return false;
}

// A PNG of 2 x 1 pixels, red and blue.
constexpr unsigned char kPng[] = {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
                                  0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00,
                                  0x00, 0x7b, 0x40, 0xe8, 0xdd, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78,
                                  0x9c, 0x63, 0xf8, 0xcf, 0x00, 0x04, 0xff, 0x01, 0x07, 0x00, 0x01, 0xff, 0xe2, 0x23,
                                  0x9e, 0x59, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
std::string png() {
  return {reinterpret_cast<const char *>(kPng), sizeof(kPng)};
}

}  // namespace

TEST_CASE("pictures are bytes [height, width, 3], sorted by name") {
  if (!present()) return;
  const TempFolder folder;
  folder.write("b.png", png());
  folder.write("a.PNG", png());
  OpenReader reader("images", folder.path().string());
  REQUIRE(reader.status() == HT_OK);
  CHECK(reader.count() == 2);
  CHECK(reader.name(0) == "a.PNG");
  ht_tensor_view sample{};
  REQUIRE(reader.read(1, sample) == HT_OK);
  CHECK(sample.dtype == HT_U8);
  CHECK(shape_of(sample) == std::vector<std::int64_t>{1, 2, 3});
  CHECK(values_of<std::uint8_t>(sample) == std::vector<std::uint8_t>{255, 0, 0, 0, 0, 255});
}

TEST_CASE("a corrupt picture is data loss with the file's name; the others can be read") {
  if (!present()) return;
  const TempFolder folder;
  folder.write("a.png", png().substr(0, 45));
  folder.write("b.jpg", "\xFF\xD8\xFF\xE0 and nothing of a picture");
  folder.write("c.jpg", "plain text");
  folder.write("d.png", "");
  folder.write("e.png", png());
  OpenReader reader("images", folder.path().string());
  REQUIRE(reader.count() == 5);
  ht_tensor_view sample{};
  for (const char *name : {"a.png", "b.jpg", "c.jpg", "d.png"}) {
    CHECK(reader.read(static_cast<std::uint64_t>(name[0] - 'a'), sample) == HT_DATA_LOSS);
    CHECK(reader.text().find(name) != std::string::npos);
  }
  CHECK(reader.read(4, sample) == HT_OK);
}
