// A reader opens what is there, what is not, and what is no file of its kind.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/check/exercise.h"
#include "core/check/made_models.h"
#include "core/host/instance.h"
#include "halftone/reader.h"

namespace halftone::check {

namespace {

namespace fs = std::filesystem;

// An open source, closed in any case.
class Source {
 public:
  Source(const host::Instance &reader, host::Context &ctx, const fs::path &path)
      : role_(reader.role<ht_reader>(HT_READER_1)), ctx_(ctx) {
    const std::string name = path.string();
    const ht_str text{name.data(), name.size()};
    host::call_component(ctx_, [&] { return role_.open(reader.raw(), &ctx_, &text, &raw_); });
  }
  ~Source() { role_.close(raw_); }
  Source(const Source &) = delete;
  Source &operator=(const Source &) = delete;

  std::uint64_t count() {
    std::uint64_t samples = 0;
    host::call_component(ctx_, [&] { return role_.count(raw_, &ctx_, &samples); });
    return samples;
  }
  void add_sample(std::uint64_t index, Digester &digester) {
    ht_tensor_view sample{};
    sample.struct_size = sizeof(sample);
    ht_str name{};
    host::call_component(ctx_, [&] { return role_.read(raw_, &ctx_, index, &sample); });
    host::call_component(ctx_, [&] { return role_.name(raw_, &ctx_, index, &name); });
    if (name.size == 0) fail(Status::kInternal, "sample {} has no name", index);
    if (sample.data == nullptr || sample.rank > HT_MAX_RANK || sample.dtype == HT_DTYPE_NONE ||
        sample.dtype == HT_STRING)
      fail(Status::kInternal, "sample {} has no data, no type or more than {} axes", index, HT_MAX_RANK);
    const std::vector<std::int64_t> shape(sample.shape, sample.shape + sample.rank);
    digester.add(static_cast<std::int64_t>(sample.dtype));
    for (const std::int64_t extent : shape) digester.add(extent);
    const std::size_t bytes = model::Tensor(sample.dtype, shape).bytes().size();
    if (sample.strides == nullptr) digester.add(std::span(static_cast<const std::byte *>(sample.data), bytes));
    ctx_.arena.reset();
  }

 private:
  const ht_reader &role_;
  host::Context &ctx_;
  void *raw_ = nullptr;
};

Attempt read_all(const Subject &subject, const Terms &terms, const fs::path &path, bool must_fail) {
  constexpr std::uint64_t kMost = 8;
  try {
    host::Context ctx;
    const host::Instance reader(*subject.component, &terms.parameters, ctx);
    Source source(reader, ctx, path);
    if (must_fail) return {Attempt::Result::kBroke, "it opens a file that is not there", {}, 0};
    Digester digester;
    const std::uint64_t count = source.count();
    digester.add(static_cast<std::int64_t>(count));
    for (std::uint64_t i = 0; i < std::min(count, kMost); ++i) source.add_sample(i, digester);
    return {Attempt::Result::kDone, {}, digester.finish().hex(), 0};
  } catch (const Error &error) {
    return attempt_of(error, subject, true);
  }
}

std::string noise(std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::string out(2000, ' ');
  for (char &c : out) c = static_cast<char>(engine() & 0xff);
  return out;
}

}  // namespace

std::vector<Exercise> reader_exercises(Workbench &bench, const Subject &subject) {
  const auto *role = static_cast<const ht_reader *>(subject.component->role(HT_READER_1));
  std::vector<std::string> endings;
  std::istringstream words(role->extensions == nullptr ? "" : role->extensions);
  for (std::string word; words >> word;) endings.push_back(word);
  if (endings.empty()) endings.emplace_back(".bin");
  std::vector<Exercise> out;
  const auto add = [&](const std::string &what, const fs::path &path, bool must_fail) {
    out.push_back({"reads " + what, [subject, path, must_fail](const Terms &terms) {
                     return read_all(subject, terms, path, must_fail);
                   }});
  };
  for (const std::string &ending : endings) {
    const fs::path stem = bench.folder() / "file";
    const fs::path numbers = fs::path(stem) += "-npy" + ending, random = fs::path(stem) += "-noise" + ending;
    const fs::path nothing = fs::path(stem) += "-empty" + ending, lines = fs::path(stem) += "-lines" + ending;
    fs::copy_file(made_models(bench.folder()).front().samples, numbers, fs::copy_options::overwrite_existing);
    write_file_atomically(random, noise(bench.options().seed));
    write_file_atomically(nothing, "");
    write_file_atomically(lines, "1,2,3\n4,5,6\n");
    add("samples of NumPy as *" + ending, numbers, false);
    add("lines of numbers as *" + ending, lines, false);
    add("noise as *" + ending, random, false);
    add("an empty file as *" + ending, nothing, false);
    add("a missing *" + ending, bench.folder() / ("missing" + ending), true);
  }
  const fs::path folder = bench.folder() / "a folder";
  fs::create_directories(folder);
  add("an empty folder", folder, false);
  return out;
}

}  // namespace halftone::check
