// A reader of samples from a text file: one sample a line, its numbers separated by commas. It shows what every reader
// does: open a file, count its samples, and hand over any of them, from several threads at once.
#include <halftone/reader.hpp>

#include <charconv>
#include <fstream>
#include <string>
#include <vector>

namespace sdk = halftone::sdk;

// An open file. read() and name() are called from several threads and change nothing here.
class TemplateNameSource final : public sdk::Source {
 public:
  TemplateNameSource(const std::string &path, std::vector<std::int64_t> shape) : path_(path), shape_(std::move(shape)) {
    std::ifstream file(path);
    if (!file) throw sdk::Failure(HT_NOT_FOUND, "'" + path + "' cannot be read; check its name and permissions");
    for (std::string line; std::getline(file, line);) lines_.push_back(line);
  }
  std::uint64_t count() const override { return lines_.size(); }
  std::string name(std::uint64_t index) const override { return path_ + ":" + std::to_string(index + 1); }

  // The numbers go into the context's memory, which the host frees when it is done with the sample.
  ht_tensor_view read(const sdk::Context &ctx, std::uint64_t index) const override {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape_) count *= extent;
    auto *values = ctx.allocate<float>(static_cast<std::uint64_t>(count));
    const std::string &line = lines_[index];
    const char *at = line.data(), *const end = at + line.size();
    for (std::int64_t i = 0; i < count; ++i) {
      const auto [rest, error] = std::from_chars(at, end, values[i]);
      const bool last = i + 1 == count;
      if (error != std::errc() || (last ? rest != end : rest == end || *rest != ',')) {
        throw sdk::Failure(HT_DATA_LOSS, name(index) + ": expected " + std::to_string(count) +
                                             " numbers with commas between, as `shape` says");
      }
      at = rest + 1;
    }
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    view.dtype = HT_F32;
    view.rank = static_cast<std::uint32_t>(shape_.size());
    view.shape = shape_.data();
    view.data = values;
    return view;
  }

 private:
  std::string path_;
  std::vector<std::int64_t> shape_;
  std::vector<std::string> lines_;
};

class TemplateName final : public sdk::Reader {
 public:
  // Files from which a user need not name the reader, separated by spaces; nullptr for none.
  static constexpr const char *kExtensions = nullptr;

  // Data, which the host reads before it runs anything: `halftone help reader template-name` prints it.
  static void describe(sdk::Description &d) {
    d.id("template-name").version("0.1.0").title("a text file with one sample a line");
    d.doc("Numbers are separated by commas, in row-major order.").threading(HT_THREADING_FREE);
    d.capabilities(HT_CAP_FILE_READ);
    d.params.text("shape", "The shape of a sample, such as 3x224x224.").required();
  }
  explicit TemplateName(const sdk::Args &args) {
    const std::string text = args.text("shape");
    const char *at = text.data(), *const end = at + text.size();
    std::int64_t total = 1;
    while (true) {
      std::int64_t extent = 0;
      const auto [rest, error] = std::from_chars(at, end, extent);
      if (error != std::errc() || extent < 1 || extent > kMost / total || shape_.size() == HT_MAX_RANK ||
          (rest != end && *rest != 'x')) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "shape '" + text + "' is no list of extents such as 3x224x224");
      }
      shape_.push_back(extent);
      total *= extent;
      if (rest == end) break;
      at = rest + 1;
    }
  }
  std::unique_ptr<sdk::Source> open(const sdk::Context &, const std::string &path) override {
    return std::make_unique<TemplateNameSource>(path, shape_);
  }

 private:
  static constexpr std::int64_t kMost = std::int64_t{1} << 40;  // elements of a sample, so that sizes never overflow
  std::vector<std::int64_t> shape_;
};

HALFTONE_READER(TemplateName)
HALFTONE_PLUGIN("com.example.template-name", "0.1.0", "Apache-2.0")
