// Where the samples of one model input come from: files through a reader, or the program that embeds the kernel.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/host/context.h"
#include "halftone/tensor.h"

namespace halftone::calibration {

// A sample as it is stored. `hold` keeps its bytes where they are neither in the context's arena nor in the source.
struct StoredSample {
  ht_tensor_view tensor;
  std::shared_ptr<const void> hold;
};

class SampleSource {
 public:
  virtual ~SampleSource() = default;
  // Nothing where only the end of the samples tells.
  virtual std::optional<std::uint64_t> count() const = 0;
  // The same where it must be known: goes through all samples when it has to.
  virtual std::uint64_t settle_count(host::Context &ctx) = 0;
  // [worker] Nothing behind the last sample.
  virtual std::optional<StoredSample> read(host::Context &ctx, std::uint64_t index) = 0;
  virtual std::string name(host::Context &ctx, std::uint64_t index) = 0;
};

}  // namespace halftone::calibration
