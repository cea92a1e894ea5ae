// Reader `npz`: archives of NumPy arrays. An archive's array has samples along axis 0; a folder holds x.npz, one sample
// an archive, or one batch an archive.
//
// Nothing is unpacked to disk and no archive is held in memory; member_samples.h says how samples are found. The
// checksum of a single archive is compared when it is opened, so that damage is known before anything is computed;
// that of an archive of a folder when the archive is first read.
#include <algorithm>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "file_source.h"
#include "member_samples.h"
#include "sample_type.h"

namespace halftone::readers {
namespace {

struct Choice {
  std::string array, input;
};

std::unique_ptr<MemberSamples> open_array(const std::filesystem::path &path, const Choice &choice, SampleAxis axis) {
  auto archive = std::make_shared<const ZipArchive>(path);
  const ZipEntry entry = find_array(*archive, choice.array, choice.input);
  return std::make_unique<MemberSamples>(std::move(archive), entry, axis);
}

ht_tensor_view read_sample(const sdk::Context &ctx, MemberSamples &samples, std::uint64_t index) {
  auto *data = ctx.allocate<std::byte>(samples.bytes());
  samples.read(index, {data, static_cast<std::size_t>(samples.bytes())});
  return sample_view(ctx, samples.dtype(), samples.shape(), data);
}

class ArchiveSource final : public sdk::Source {
 public:
  ArchiveSource(const std::filesystem::path &path, const Choice &choice)
      : name_(path.filename().string()), samples_(open_array(path, choice, SampleAxis::kFirst)) {
    samples_->check();
  }
  std::uint64_t count() const override { return samples_->count(); }
  ht_tensor_view read(const sdk::Context &ctx, std::uint64_t index) const override {
    return read_sample(ctx, *samples_, index);
  }
  std::string name(std::uint64_t index) const override { return name_ + "[" + std::to_string(index) + "]"; }

 private:
  std::string name_;
  std::unique_ptr<MemberSamples> samples_;
};

// Archives of a folder. Only a few are open at a time: a folder may hold more of them than a process may have open.
class FolderSource final : public sdk::Source {
 public:
  FolderSource(std::vector<std::filesystem::path> files, Choice choice, SampleAxis axis)
      : files_(std::move(files)), choice_(std::move(choice)), axis_(axis) {
    for (const std::filesystem::path &path : files_) {
      first_.push_back(count_);
      // An archive of one sample is first opened when it is read: a damaged one is a bad sample like others.
      count_ += axis_ == SampleAxis::kNone ? 1 : open_array(path, choice_, axis_)->count();
    }
  }
  std::uint64_t count() const override { return count_; }
  ht_tensor_view read(const sdk::Context &ctx, std::uint64_t index) const override {
    const std::size_t file = file_of(index);
    return read_sample(ctx, *opened(file), index - first_[file]);
  }
  std::string name(std::uint64_t index) const override {
    const std::size_t file = file_of(index);
    const std::string name = files_[file].filename().string();
    return axis_ == SampleAxis::kNone ? name : name + "[" + std::to_string(index - first_[file]) + "]";
  }

 private:
  static constexpr std::size_t kMostOpen = 16;
  struct Opened {
    std::size_t file;
    std::shared_ptr<MemberSamples> samples;
  };

  std::size_t file_of(std::uint64_t index) const {
    if (index >= count_) throw sdk::Failure(HT_INVALID_ARGUMENT, "there is no sample " + std::to_string(index));
    return static_cast<std::size_t>(std::upper_bound(first_.begin(), first_.end(), index) - first_.begin()) - 1;
  }
  std::shared_ptr<MemberSamples> opened(std::size_t file) const {
    const std::lock_guard lock(mutex_);
    for (const Opened &one : opened_) {
      if (one.file == file) return one.samples;
    }
    std::shared_ptr<MemberSamples> samples = open_array(files_[file], choice_, axis_);
    samples->check();
    opened_.push_back({file, samples});
    if (opened_.size() > kMostOpen) opened_.pop_front();
    return samples;
  }

  std::vector<std::filesystem::path> files_;
  Choice choice_;
  SampleAxis axis_;
  std::uint64_t count_ = 0;
  std::vector<std::uint64_t> first_;  // number of each file's first sample
  mutable std::mutex mutex_;
  mutable std::deque<Opened> opened_;
};

class Npz final : public sdk::Reader {
 public:
  static constexpr const char *kExtensions = ".npz";
  static void describe(sdk::Description &d) {
    d.id("npz").title("archives of NumPy arrays").threading(HT_THREADING_FREE).capabilities(HT_CAP_FILE_READ);
    d.doc(
        "A .npz file (numpy.savez, numpy.savez_compressed) whose arrays count the samples by axis 0, or a folder: with "
        "a file x.npz it is that file, otherwise every .npz file in it, sorted by name, is one sample, or with "
        "`batches` one batch. A model input takes the array of its name, or the only one.");
    d.params.text(HT_READER_ARRAY, "the array to read, when it has another name than the model input", "");
    d.params.text(HT_READER_INPUT, "the model input that is fed; filled in by the host", "").advanced();
    d.params.flag("batches", "archives of a folder hold batches: axis 0 counts samples", false);
    d.params.choice(HT_READER_SAMPLE_AXIS, "whether axis 0 of a file's array counts its samples, or it is one sample",
                    "first", {"first", "none"});
  }
  explicit Npz(const sdk::Args &args)
      : choice_{args.text(HT_READER_ARRAY), args.text(HT_READER_INPUT)},
        batches_(args.flag("batches")),
        whole_(args.text(HT_READER_SAMPLE_AXIS) == "none") {}
  std::unique_ptr<sdk::Source> open(const sdk::Context &, const std::string &path) override {
    if (const auto file = file_of_all(path, "x.npz")) {
      if (whole_) return std::make_unique<FolderSource>(std::vector{*file}, choice_, SampleAxis::kNone);
      return std::make_unique<ArchiveSource>(*file, choice_);
    }
    constexpr std::string_view kEnding[] = {".npz"};
    return std::make_unique<FolderSource>(sorted_files(path, kEnding), choice_,
                                          batches_ ? SampleAxis::kFirst : SampleAxis::kNone);
  }

 private:
  Choice choice_;
  bool batches_, whole_;
};
HALFTONE_READER(Npz)

}  // namespace
}  // namespace halftone::readers
