// Reader `onnx-pb`: a folder of serialized TensorProtos, as ONNX's own test data has them. The host parses them.
#include <filesystem>
#include <utility>

#include "file_source.h"
#include "sample_type.h"

namespace halftone::readers {
namespace {

class TensorFiles final : public sdk::Source {
 public:
  explicit TensorFiles(std::vector<std::filesystem::path> files) : files_(std::move(files)) {}
  std::uint64_t count() const override { return files_.size(); }
  ht_tensor_view read(const sdk::Context &ctx, std::uint64_t index) const override {
    const std::filesystem::path &path = files_.at(index);
    const RandomFile file(path);
    auto *bytes = ctx.allocate<std::byte>(file.size());
    file.read(0, {bytes, static_cast<std::size_t>(file.size())});
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    if (ctx.host.model_io->parse_tensor(ctx.raw, bytes, file.size(), &view) != HT_OK) {
      throw sdk::Failure(HT_DATA_LOSS, "'" + path.string() + "' holds no ONNX tensor");
    }
    return view;
  }
  std::string name(std::uint64_t index) const override { return files_.at(index).filename().string(); }

 private:
  std::vector<std::filesystem::path> files_;
};

class OnnxPb final : public sdk::Reader {
 public:
  static constexpr const char *kExtensions = ".pb";
  static void describe(sdk::Description &d) {
    d.id("onnx-pb").title("ONNX tensors").threading(HT_THREADING_FREE).capabilities(HT_CAP_FILE_READ);
    d.doc(
        "A .pb file with one serialized TensorProto, or a folder of them sorted by name; each is one sample, as it "
        "is.");
    d.needs({HT_MODEL_IO_1});
  }
  explicit OnnxPb(const sdk::Args &) {}
  std::unique_ptr<sdk::Source> open(const sdk::Context &ctx, const std::string &path) override {
    if (ctx.host.model_io == nullptr)
      throw sdk::Failure(HT_FAILED_PRECONDITION, "this host does not parse ONNX tensors");
    constexpr std::string_view kEnding[] = {".pb"};
    std::vector<std::filesystem::path> files{path};
    if (is_folder(path)) files = sorted_files(path, kEnding);
    return std::make_unique<TensorFiles>(std::move(files));
  }
};
HALFTONE_READER(OnnxPb)

}  // namespace
}  // namespace halftone::readers
