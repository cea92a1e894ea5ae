#include "row_batches.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "halftone/execution.hpp"
#include "halftone/graph.hpp"
#include "halftone/owned_tensor.hpp"

namespace halftone::passes {
namespace {

bool is_float(ht_dtype dtype) {
  return dtype == HT_F32 || dtype == HT_F64 || dtype == HT_F16 || dtype == HT_BF16;
}

// Bytes of a plain tensor of float32, or of integers.
std::size_t fed_bytes(const ht_tensor_view &tensor) {
  const bool fed =
      tensor.dtype != HT_DTYPE_NONE && tensor.dtype <= HT_BOOL && tensor.dtype != HT_F16 && tensor.dtype != HT_BF16;
  if (!fed) throw sdk::Failure(HT_UNIMPLEMENTED, "an input of the model is of a type that no trainer is fed");
  return sdk::bytes_of(tensor.dtype, sdk::count_of(tensor));
}

// Frames of a sample come in order from one worker, samples in any order.
class FrameSink final : public sdk::SampleSink {
 public:
  // By sample, value and frame.
  using Frames = std::map<std::uint64_t, std::map<ht_handle, std::vector<RowTensor>>>;
  explicit FrameSink(Frames &frames) : frames_(frames) {}

  void see(const sdk::Context &, std::uint32_t, std::uint64_t sample, ht_handle value,
           const ht_tensor_view &tensor) override {
    RowTensor row;
    row.dtype = tensor.dtype;
    row.shape.assign(tensor.shape, tensor.shape + tensor.rank);
    const auto *data = static_cast<const std::byte *>(tensor.data);
    row.bytes.assign(data, data + fed_bytes(tensor));
    const std::scoped_lock lock(mutex_);
    frames_[sample][value].push_back(std::move(row));
  }

 private:
  Frames &frames_;
  std::mutex mutex_;
};

// Floats as plain float32; others in the type that they have, in a run of their own.
void read(const sdk::Context &ctx, const RowBatches::Choices &choices, std::uint64_t first, std::uint64_t limit,
          FrameSink::Frames &frames) {
  const sdk::Graph graph(ctx);
  for (const bool plain : {true, false}) {
    sdk::SampleRun run;
    run.plain = plain;
    run.first = first;
    run.limit = limit;
    for (const ht_handle value : choices.inputs) {
      const ht_tensor_info type = graph.value(value).info.type;
      if (is_float(type.dtype) != plain) continue;
      run.values.push_back(value);
      std::uint64_t bytes = sizeof(double);
      for (std::uint32_t k = 0; type.known_rank != 0 && k < type.rank; ++k) {
        if (type.shape[k] > 0) bytes *= static_cast<std::uint64_t>(type.shape[k]);
      }
      run.sink_bytes += 2 * bytes * limit;  // as they come, and joined
    }
    if (run.values.empty()) continue;
    FrameSink sink(frames);
    (void)sdk::run_samples(ctx, run, sink);
  }
}

void append(const std::vector<const RowTensor *> &frame, std::uint64_t sample, RowBatch &to) {
  to.inputs.resize(frame.size());
  for (std::size_t i = 0; i < frame.size(); ++i) {
    RowTensor &joined = to.inputs[i];
    if (frame[i]->shape.empty() || frame[i]->shape.front() != frame.front()->shape.front()) {
      throw sdk::Failure(HT_FAILED_PRECONDITION,
                         "the inputs of the model have no common first axis, so that samples make no batches");
    }
    if (joined.bytes.empty()) {
      joined.dtype = frame[i]->dtype;
      joined.shape = frame[i]->shape;
    } else {
      joined.shape.front() += frame[i]->shape.front();
    }
    joined.bytes.insert(joined.bytes.end(), frame[i]->bytes.begin(), frame[i]->bytes.end());
  }
  to.samples.push_back(sample);
  to.rows += static_cast<std::uint64_t>(frame.front()->shape.front());
}

std::vector<RowBatch> joined(const FrameSink::Frames &frames, const std::vector<ht_handle> &inputs) {
  std::vector<RowBatch> batches;
  std::map<std::vector<std::vector<std::int64_t>>, std::size_t> by_shape;
  for (const auto &[sample, values] : frames) {
    for (std::size_t f = 0; f < values.begin()->second.size(); ++f) {
      std::vector<const RowTensor *> frame;
      std::vector<std::vector<std::int64_t>> shapes;
      for (const ht_handle input : inputs) {
        frame.push_back(&values.at(input).at(f));
        shapes.push_back(frame.back()->shape);
      }
      const auto at = by_shape.emplace(std::move(shapes), batches.size());
      if (at.second) batches.emplace_back();
      append(frame, sample, batches[at.first->second]);
    }
  }
  return batches;
}

}  // namespace

ht_tensor_view RowTensor::view() const {
  ht_tensor_view tensor{};
  tensor.struct_size = sizeof(tensor);
  tensor.dtype = dtype;
  tensor.rank = static_cast<std::uint32_t>(shape.size());
  tensor.shape = shape.data();
  tensor.data = const_cast<std::byte *>(bytes.data());
  return tensor;
}

// No run tells beforehand how many samples can be read.
RowBatches::RowBatches(const sdk::Context &ctx, Choices choices) : choices_(std::move(choices)) {
  class Nothing final : public sdk::SampleSink {
    void see(const sdk::Context &, std::uint32_t, std::uint64_t, ht_handle, const ht_tensor_view &) override {}
  } nothing;
  sdk::SampleRun run;
  run.plain = false;
  run.values = {choices_.inputs.front()};
  run.limit = choices_.samples;
  samples_ = sdk::run_samples(ctx, run, nothing).samples;
}

void RowBatches::for_each(const sdk::Context &ctx, const std::function<void(const RowBatch &)> &see) const {
  for (std::uint64_t first = 0; first < samples_; first += choices_.batch) {
    FrameSink::Frames frames;
    read(ctx, choices_, first, std::min(choices_.batch, samples_ - first), frames);
    const std::vector<RowBatch> batches = joined(frames, choices_.inputs);
    frames.clear();
    for (const RowBatch &batch : batches) see(batch);
  }
}

}  // namespace halftone::passes
