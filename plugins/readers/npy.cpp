// Reader `npy`: NumPy arrays. A file's axis 0 counts its samples; a folder holds x.npy, or one sample a file.
#include <filesystem>
#include <utility>

#include "file_source.h"
#include "npy_header.h"
#include "sample_type.h"

namespace halftone::readers {
namespace {

class ArraySource final : public sdk::Source {
 public:
  explicit ArraySource(const std::filesystem::path &path)
      : name_(path.filename().string()), file_(path), header_(read_npy_header(file_, quoted(path))) {
    if (header_.shape.empty()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "'" + path.string() + "' is a single number; axis 0 must count the samples");
    }
    sample_shape_.assign(header_.shape.begin() + 1, header_.shape.end());
    sample_bytes_ = tensor_bytes(header_.dtype, sample_shape_, name_);
  }
  std::uint64_t count() const override { return static_cast<std::uint64_t>(header_.shape[0]); }
  ht_tensor_view read(const sdk::Context &ctx, std::uint64_t index) const override {
    if (index >= count()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "'" + name_ + "' has no sample " + std::to_string(index));
    }
    auto *data = ctx.allocate<std::byte>(sample_bytes_);
    file_.read(header_.data_offset + index * sample_bytes_, {data, static_cast<std::size_t>(sample_bytes_)});
    return sample_view(ctx, header_.dtype, sample_shape_, data);
  }
  std::string name(std::uint64_t index) const override { return name_ + "[" + std::to_string(index) + "]"; }

 private:
  std::string name_;
  RandomFile file_;
  NpyHeader header_;
  std::vector<std::int64_t> sample_shape_;
  std::uint64_t sample_bytes_ = 0;
};

// One sample a file. Files are opened when they are read: a folder may hold more of them than a process may have open,
// and a damaged one is a bad sample like others.
class FilesSource final : public sdk::Source {
 public:
  explicit FilesSource(std::vector<std::filesystem::path> files) : files_(std::move(files)) {}
  std::uint64_t count() const override { return files_.size(); }
  ht_tensor_view read(const sdk::Context &ctx, std::uint64_t index) const override {
    const std::filesystem::path &path = files_.at(index);
    const RandomFile file(path);
    const NpyHeader header = read_npy_header(file, quoted(path));
    const std::uint64_t bytes = tensor_bytes(header.dtype, header.shape, path.string());
    auto *data = ctx.allocate<std::byte>(bytes);
    file.read(header.data_offset, {data, static_cast<std::size_t>(bytes)});
    return sample_view(ctx, header.dtype, header.shape, data);
  }
  std::string name(std::uint64_t index) const override { return files_.at(index).filename().string(); }

 private:
  std::vector<std::filesystem::path> files_;
};

class Npy final : public sdk::Reader {
 public:
  static constexpr const char *kExtensions = ".npy";
  static void describe(sdk::Description &d) {
    d.id("npy").title("NumPy arrays").threading(HT_THREADING_FREE).capabilities(HT_CAP_FILE_READ);
    d.doc(
        "A .npy file whose axis 0 counts the samples, or a folder: with a file x.npy it is that file, otherwise every "
        ".npy "
        "file in it, sorted by name, is one sample. Little-endian numbers in C order.");
    d.params.choice(HT_READER_SAMPLE_AXIS, "whether axis 0 of a file counts its samples, or the file is one sample",
                    "first", {"first", "none"});
  }
  explicit Npy(const sdk::Args &args) : whole_(args.text(HT_READER_SAMPLE_AXIS) == "none") {}
  std::unique_ptr<sdk::Source> open(const sdk::Context &, const std::string &path) override {
    if (const auto file = file_of_all(path, "x.npy")) {
      if (whole_) return std::make_unique<FilesSource>(std::vector{*file});
      return std::make_unique<ArraySource>(*file);
    }
    constexpr std::string_view kExtension[] = {".npy"};
    return std::make_unique<FilesSource>(sorted_files(path, kExtension));
  }

 private:
  bool whole_;
};
HALFTONE_READER(Npy)

}  // namespace
}  // namespace halftone::readers
