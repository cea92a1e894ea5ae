// Reader `images`: a folder of JPEG and PNG pictures, or one picture.
#include <filesystem>
#include <utility>

#include "file_source.h"
#include "picture_file.h"
#include "sample_type.h"

namespace halftone::readers {
namespace {

class PictureSource final : public sdk::Source {
 public:
  explicit PictureSource(std::vector<std::filesystem::path> files) : files_(std::move(files)) {}
  std::uint64_t count() const override { return files_.size(); }
  ht_tensor_view read(const sdk::Context &ctx, std::uint64_t index) const override {
    const std::filesystem::path &path = files_.at(index);
    const RandomFile file(path);
    auto *bytes = ctx.allocate<std::byte>(file.size());
    file.read(0, {bytes, static_cast<std::size_t>(file.size())});
    std::vector<std::int64_t> shape{0, 0, 3};
    std::uint8_t *pixels = nullptr;
    decode_picture({bytes, static_cast<std::size_t>(file.size())}, path.string(),
                   [&](std::uint32_t h, std::uint32_t w) {
                     shape[0] = h;
                     shape[1] = w;
                     pixels = ctx.allocate<std::uint8_t>(std::uint64_t{h} * w * 3);
                     return pixels;
                   });
    return sample_view(ctx, HT_U8, shape, pixels);
  }
  std::string name(std::uint64_t index) const override { return files_.at(index).filename().string(); }

 private:
  std::vector<std::filesystem::path> files_;
};

class Images final : public sdk::Reader {
 public:
  static constexpr const char *kExtensions = ".jpg .jpeg .png";
  static void describe(sdk::Description &d) {
    d.id("images").title("JPEG and PNG pictures").threading(HT_THREADING_FREE).capabilities(HT_CAP_FILE_READ);
    d.doc(
        "A folder of .jpg, .jpeg and .png files sorted by name, or one such file. Each gives bytes [height, width, 3], "
        "RGB.");
  }
  explicit Images(const sdk::Args &) {}
  std::unique_ptr<sdk::Source> open(const sdk::Context &, const std::string &path) override {
    constexpr std::string_view kEndings[] = {".jpg", ".jpeg", ".png"};
    std::vector<std::filesystem::path> files{path};
    if (is_folder(path)) files = sorted_files(path, kEndings);
    return std::make_unique<PictureSource>(std::move(files));
  }
};
HALFTONE_READER(Images)

}  // namespace
}  // namespace halftone::readers
