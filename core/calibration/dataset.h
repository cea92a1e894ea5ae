// Samples for a model: one source per model input, each with its preprocessing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/calibration/preprocess.h"
#include "core/calibration/sample_source.h"
#include "core/host/context.h"
#include "core/host/instance.h"
#include "core/host/registry.h"
#include "core/host/sequence.h"
#include "core/model/model.h"

namespace halftone::calibration {

// Where the samples of one model input come from.
struct InputSource {
  std::string input;   // name of the model input; empty: the only one, or all inputs that arrays are named after
  std::string reader;  // component id; empty: guessed from the path
  std::string path;
  const Setting *reader_settings = nullptr;  // parameters of the reader, or null
  Preprocess preprocess;
  // Samples that a program gives, instead of a reader and a path; not null: `path` is what messages call them.
  std::shared_ptr<SampleSource> given = nullptr;
};

// What holds for all sources.
struct DatasetOptions {
  std::optional<host::Sequence> sequence;  // samples are sequences
  bool whole_arrays = false;               // an array of a file is one sample, none of its axes counts samples
};

// A sample ready to run: one float or integer tensor per model input, in the context's arena.
struct Sample {
  std::vector<ht_tensor_view> inputs;
  std::vector<std::shared_ptr<const void>> holds;  // of what is not in the arena
};

// What count() says of samples whose number only their end tells: more than there ever are.
inline constexpr std::uint64_t kUncounted = std::uint64_t{1} << 40;

class Dataset {
 public:
  // Opens every source and checks that they agree: each model input is fed once, all sources have the same count.
  // Throws naming the path, the input and the remedy.
  // An input that a sequence feeds back may go without a source: its state begins with zeros.
  Dataset(const host::Registry &registry, const model::Model &model, std::vector<InputSource> sources,
          DatasetOptions options = {});
  ~Dataset();
  Dataset(const Dataset &) = delete;
  Dataset &operator=(const Dataset &) = delete;

  // kUncounted while it is not known; known once a pass has seen them all.
  std::uint64_t count() const;
  // The same where it must be known, even if all samples have to be gone through.
  std::uint64_t settled_count() const;
  // [worker] Reads and preprocesses sample `index`; memory from ctx's arena. Nothing behind the last sample. Throws
  // DataLoss with the sample's name: corrupt, wrong shape, not finite.
  std::optional<Sample> read_if_any(host::Context &ctx, std::uint64_t index) const;
  // The same for a sample that there is.
  Sample read(host::Context &ctx, std::uint64_t index) const;
  // "x.npy[17]"
  std::string name(host::Context &ctx, std::uint64_t index) const;
  // Identifies the data for statistics: paths' base names, sizes and modification-free content of the first bytes are
  // not enough, so this is the digest of what was read, kept by whoever reads all samples; see collector.h.
  const std::vector<InputSource> &sources() const noexcept { return sources_; }
  // For the sessions that run the samples.
  const std::optional<host::Sequence> &sequence() const noexcept { return options_.sequence; }

 private:
  struct Open;
  // A model input and where its data come from; null: zeros.
  struct Feed {
    std::unique_ptr<Open> open;
    model::ValueType type;
  };
  bool read(host::Context &ctx, const Open &open, std::uint64_t index, Sample &sample) const;
  const Open *first_open() const;
  void require_same_count() const;

  std::vector<InputSource> sources_;
  DatasetOptions options_;
  std::vector<Feed> feeds_;  // in the order of the model's inputs
};

// The reader that a path calls for: by extension, folder content, or an error that lists the readers.
std::string guess_reader(const host::Registry &registry, const std::string &path);

}  // namespace halftone::calibration
