// Reader `raw`: numbers without a header, their type and shape given as parameters.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "file_source.h"
#include "sample_type.h"

namespace halftone::readers {
namespace {

// One file with samples one after the other, or a folder of such files.
class RawSource final : public sdk::Source {
 public:
  RawSource(std::vector<std::filesystem::path> paths, ht_dtype dtype, std::vector<std::int64_t> shape)
      : dtype_(dtype), shape_(std::move(shape)), bytes_(tensor_bytes(dtype, shape_, "reader 'raw'")) {
    if (bytes_ == 0) throw sdk::Failure(HT_INVALID_ARGUMENT, "reader 'raw': the shape has an extent of 0");
    for (std::filesystem::path &path : paths) {
      const std::uint64_t size = RandomFile(path).size();
      if (size == 0 || size % bytes_ != 0) {
        throw sdk::Failure(HT_DATA_LOSS, "'" + path.string() + "' has " + std::to_string(size) +
                                             " bytes, which is no multiple of the " + std::to_string(bytes_) +
                                             " that a sample of the given dtype and shape takes");
      }
      first_.push_back(count_);
      count_ += size / bytes_;
      files_.push_back(std::move(path));
    }
  }
  std::uint64_t count() const override { return count_; }
  ht_tensor_view read(const sdk::Context &ctx, std::uint64_t index) const override {
    const std::size_t file = file_of(index);
    auto *data = ctx.allocate<std::byte>(bytes_);
    RandomFile(files_[file]).read((index - first_[file]) * bytes_, {data, static_cast<std::size_t>(bytes_)});
    return sample_view(ctx, dtype_, shape_, data);
  }
  std::string name(std::uint64_t index) const override {
    const std::size_t file = file_of(index);
    return files_[file].filename().string() + "[" + std::to_string(index - first_[file]) + "]";
  }

 private:
  std::size_t file_of(std::uint64_t index) const {
    if (index >= count_) throw sdk::Failure(HT_INVALID_ARGUMENT, "there is no sample " + std::to_string(index));
    return static_cast<std::size_t>(std::upper_bound(first_.begin(), first_.end(), index) - first_.begin()) - 1;
  }
  ht_dtype dtype_;
  std::vector<std::int64_t> shape_;
  std::uint64_t bytes_, count_ = 0;
  std::vector<std::filesystem::path> files_;
  std::vector<std::uint64_t> first_;  // number of each file's first sample
};

class Raw final : public sdk::Reader {
 public:
  static constexpr const char *kExtensions = ".bin .raw";
  static void describe(sdk::Description &d) {
    d.id("raw").title("numbers without a header").threading(HT_THREADING_FREE).capabilities(HT_CAP_FILE_READ);
    d.doc(
        "A file of samples one after the other, or a folder of such files (.bin, .raw) sorted by name. Little-endian.");
    d.params.text(
        "dtype",
        "element type: uint8, int8, uint16, int16, uint32, int32, uint64, int64, float16, float32, float64, bool",
        "float32");
    d.params.optional_texts("shape", "extents of one sample, such as [224, 224, 3]").required();
  }
  explicit Raw(const sdk::Args &args) : dtype_(dtype_of_name(args.text("dtype"))) {
    if (dtype_ == HT_DTYPE_NONE) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "reader 'raw': no element type '" + args.text("dtype") + "'");
    }
    for (const std::string &extent : args.texts("shape")) shape_.push_back(number(extent));
  }
  std::unique_ptr<sdk::Source> open(const sdk::Context &, const std::string &path) override {
    constexpr std::string_view kEndings[] = {".bin", ".raw"};
    std::vector<std::filesystem::path> files{path};
    if (is_folder(path)) files = sorted_files(path, kEndings);
    return std::make_unique<RawSource>(std::move(files), dtype_, shape_);
  }

 private:
  static std::int64_t number(const std::string &text) {
    const bool digits = !text.empty() && text.size() <= 9 &&
                        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) throw sdk::Failure(HT_INVALID_ARGUMENT, "reader 'raw': '" + text + "' is no extent of a shape");
    return std::stoll(text);
  }
  ht_dtype dtype_;
  std::vector<std::int64_t> shape_;
};
HALFTONE_READER(Raw)

}  // namespace
}  // namespace halftone::readers
