// Calibration samples as batches of rows for a trainer. A few samples are in memory at a time, however many there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "halftone/pass.hpp"

namespace halftone::passes {

// One input of a batch: plain, rows along axis 0.
struct RowTensor {
  ht_dtype dtype = HT_F32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
  ht_tensor_view view() const;
};

struct RowBatch {
  std::vector<RowTensor> inputs;       // in the order of RowBatches::Choices::inputs
  std::vector<std::uint64_t> samples;  // behind each other; a sample that is a sequence is there once for each frame
  std::uint64_t rows = 0;
};

class RowBatches {
 public:
  struct Choices {
    std::vector<ht_handle> inputs;  // of the main graph
    std::uint64_t samples = 0;      // most of the run's that are used; 0: all
    std::uint64_t batch = 1;        // most that are read at a time
  };
  // Reads the data once, to count them.
  RowBatches(const sdk::Context &ctx, Choices choices);

  std::uint64_t samples() const { return samples_; }
  // Reads the data and hands them out in their order, cut in the same way each time. Samples whose shapes differ are in
  // batches of their own.
  void for_each(const sdk::Context &ctx, const std::function<void(const RowBatch &)> &see) const;

 private:
  Choices choices_;
  std::uint64_t samples_ = 0;
};

}  // namespace halftone::passes
