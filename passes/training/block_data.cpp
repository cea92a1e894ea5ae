#include "block_data.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <string>
namespace halftone::passes {
namespace {

double mean_power(const float *a, const float *b, std::size_t count, double exponent) {
  if (count == 0) return 0;
  double sum = 0;
  if (exponent == 2) {
    for (std::size_t i = 0; i < count; ++i) {
      const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
      sum += d * d;
    }
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      sum += std::pow(std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])), exponent);
    }
  }
  return sum / static_cast<double>(count);
}

BlockError mean_of(const std::vector<double> &errors) {
  BlockError error;
  for (const double each : errors) error.mean += each;
  error.mean /= static_cast<double>(std::max<std::size_t>(errors.size(), 1));
  return error;
}

void require_same_count(const ht_tensor_view &a, std::size_t count, ht_handle value) {
  if (static_cast<std::size_t>(sdk::count_of(a)) == count) return;
  throw sdk::Failure(HT_FAILED_PRECONDITION, "the value has other elements than in the float network", value);
}

}  // namespace

// A sample that is a sequence comes frame by frame, each of which counts as a sample from here on. Frames of a sample
// come in order from one worker, samples in any order.
class BlockData::InputSink final : public sdk::SampleSink {
 public:
  explicit InputSink(std::map<ht_handle, Column *> columns) : columns_(std::move(columns)) {}

  void see(const sdk::Context &, std::uint32_t, std::uint64_t sample, ht_handle value,
           const ht_tensor_view &tensor) override {
    Held held;
    held.dtype = tensor.dtype;
    held.shape.assign(tensor.shape, tensor.shape + tensor.rank);
    const std::size_t bytes = static_cast<std::size_t>(sdk::count_of(tensor)) * stored_element_bytes(tensor.dtype);
    const auto *data = static_cast<const std::byte *>(tensor.data);
    held.bytes.assign(data, data + bytes);
    const std::scoped_lock lock(mutex_);
    waiting_[sample][value].push_back(std::move(held));
  }

  void reduce(std::uint64_t sample) override {
    std::map<ht_handle, std::vector<Held>> taken;
    {
      const std::scoped_lock lock(mutex_);
      taken = std::move(waiting_[sample]);
      waiting_.erase(sample);
    }
    for (auto &[value, frames] : taken) {
      Column &column = *columns_.at(value);
      for (Held &frame : frames) {
        ht_tensor_view view{};
        view.struct_size = sizeof(view);
        view.dtype = frame.dtype;
        view.rank = static_cast<std::uint32_t>(frame.shape.size());
        view.shape = frame.shape.data();
        view.data = frame.bytes.data();
        column.put(column.count(), view);
      }
    }
  }

 private:
  struct Held {
    ht_dtype dtype = HT_F32;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
  };
  std::map<ht_handle, Column *> columns_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::map<ht_handle, std::vector<Held>>> waiting_;
};

class BlockData::GatherSink final : public sdk::SampleSink {
 public:
  // `passed`: columns that nobody reads after a sample has gone through.
  GatherSink(std::map<ht_handle, Column *> quantized, std::map<ht_handle, Column *> reference,
             std::vector<Column *> passed, ht_handle exit, std::uint64_t samples, double exponent)
      : quantized_(std::move(quantized)),
        reference_(std::move(reference)),
        passed_(std::move(passed)),
        exit_(exit),
        exponent_(exponent),
        errors_(samples) {}

  void prepare(std::uint32_t workers) override { outputs_.resize(workers); }
  void see(const sdk::Context &, std::uint32_t worker, std::uint64_t sample, ht_handle value,
           const ht_tensor_view &tensor) override {
    if (value != exit_) return quantized_.at(value)->put(sample, tensor);
    const auto *data = static_cast<const float *>(tensor.data);
    outputs_[worker].assign(data, data + sdk::count_of(tensor));
  }
  void see_reference(const sdk::Context &, std::uint32_t worker, std::uint64_t sample, ht_handle value,
                     const ht_tensor_view &tensor) override {
    reference_.at(value)->put(sample, tensor);
    if (value != exit_) return;
    const std::vector<float> &output = outputs_[worker];
    require_same_count(tensor, output.size(), value);
    errors_[sample] = mean_power(output.data(), static_cast<const float *>(tensor.data), output.size(), exponent_);
  }
  void reduce(std::uint64_t sample) override {
    for (Column *column : passed_) column->release(sample);
  }
  BlockError error() const { return mean_of(errors_); }

 private:
  std::map<ht_handle, Column *> quantized_, reference_;
  std::vector<Column *> passed_;
  ht_handle exit_;
  double exponent_;
  std::vector<std::vector<float>> outputs_;  // by worker, of the sample that it is at
  std::vector<double> errors_;               // by sample
};

class BlockData::MeasureSink final : public sdk::SampleSink {
 public:
  MeasureSink(Column &output, const Column &target, double exponent)
      : output_(output), target_(target), exponent_(exponent), errors_(target.count()) {}

  void prepare(std::uint32_t workers) override { buffers_.resize(workers); }
  void see(const sdk::Context &, std::uint32_t worker, std::uint64_t sample, ht_handle value,
           const ht_tensor_view &tensor) override {
    output_.put(sample, tensor);
    const std::byte *target = target_.bytes(sample, buffers_[worker]);
    const std::size_t count = target_.at(sample).size / sizeof(float);
    require_same_count(tensor, count, value);
    errors_[sample] =
        mean_power(static_cast<const float *>(tensor.data), reinterpret_cast<const float *>(target), count, exponent_);
  }
  BlockError error() const { return mean_of(errors_); }

 private:
  Column &output_;
  const Column &target_;
  double exponent_;
  std::vector<std::vector<std::byte>> buffers_;
  std::vector<double> errors_;
};

// What is kept, handed out again. Where it lies in the file each worker has memory of its own for it.
class BlockData::KeptSource final : public sdk::SampleSource {
 public:
  KeptSource(std::vector<Pair> columns, std::uint64_t samples) : columns_(std::move(columns)), samples_(samples) {}
  std::uint64_t count() const override { return samples_; }
  void fetch(const sdk::Context &, std::uint32_t worker, std::uint64_t sample, bool reference,
             std::span<ht_tensor_view> views) override {
    std::vector<std::vector<std::byte>> *buffers = nullptr;
    {
      const std::scoped_lock lock(mutex_);
      buffers = &buffers_[worker];
    }
    buffers->resize(views.size());
    for (std::size_t i = 0; i < views.size(); ++i) {
      const Column &column = reference ? *columns_[i].reference : *columns_[i].quantized;
      const StoredSample &stored = column.at(sample);
      ht_tensor_view &view = views[i];
      view = {};
      view.struct_size = sizeof(view);
      view.dtype = stored.dtype;
      view.rank = static_cast<std::uint32_t>(stored.shape.size());
      view.shape = stored.shape.data();
      view.data = const_cast<std::byte *>(column.bytes(sample, (*buffers)[i]));
    }
  }

 private:
  std::vector<Pair> columns_;
  std::uint64_t samples_;
  std::mutex mutex_;
  std::map<std::uint32_t, std::vector<std::vector<std::byte>>> buffers_;  // by worker; entries stay where they are
};

BlockData::BlockData(const sdk::Context &ctx, const FlowGraph &graph, const std::vector<Block> &blocks,
                     const Choices &choices)
    : graph_(graph), blocks_(blocks), plan_(plan_data(graph, blocks)), choices_(choices), store_(choices.memory) {
  keep_inputs(ctx);
}

BlockData::~BlockData() = default;

// Floats as plain float32; others in the type that they have, in a run of their own.
void BlockData::keep_inputs(const sdk::Context &ctx) {
  const sdk::Graph graph(ctx);
  std::map<ht_handle, Column *> floats, others;
  for (const std::size_t value : plan_.inputs) {
    const ht_handle handle = graph_.values[value].handle;
    Pair pair;
    pair.quantized = pair.reference = store_.add_column();
    const ht_dtype dtype = graph.value(handle).info.type.dtype;
    const bool is_float = dtype == HT_F32 || dtype == HT_F64 || dtype == HT_F16 || dtype == HT_BF16;
    (is_float ? floats : others)[handle] = pair.quantized.get();
    columns_[value] = std::move(pair);
  }
  for (const bool plain : {true, false}) {
    const auto &columns = plain ? floats : others;
    if (columns.empty()) continue;
    sdk::SampleRun run;
    run.plain = plain;
    run.limit = choices_.samples;
    for (const auto &[handle, column] : columns) run.values.push_back(handle);
    InputSink sink(columns);
    (void)sdk::run_samples(ctx, run, sink);
  }
  for (const std::size_t value : plan_.inputs) samples_ = std::max(samples_, columns_[value].quantized->count());
}

Column &BlockData::new_column(std::size_t value, bool reference) {
  Pair &pair = columns_[value];
  std::shared_ptr<Column> &column = reference ? pair.reference : pair.quantized;
  column = store_.add_column();
  return *column;
}

// One column of each of these values; from the static shapes, with 1 for what they do not say.
std::uint64_t BlockData::expected_bytes(const sdk::Context &ctx, const std::vector<std::size_t> &values) const {
  const sdk::Graph graph(ctx);
  std::uint64_t all = 0;
  for (const std::size_t value : values) {
    const ht_tensor_info type = graph.value(graph_.values[value].handle).info.type;
    std::uint64_t bytes = sizeof(float);
    for (std::uint32_t k = 0; type.known_rank != 0 && k < type.rank; ++k) {
      if (type.shape[k] > 0) bytes *= static_cast<std::uint64_t>(type.shape[k]);
    }
    all += bytes * samples_;
  }
  return all;
}

void BlockData::run(const sdk::Context &ctx, const std::vector<std::size_t> &values,
                    const std::vector<std::size_t> &references, const std::vector<std::size_t> &feeds,
                    sdk::SampleSink &sink) {
  sdk::SampleRun run;
  run.mode = HT_MODE_SIMULATED;
  for (const std::size_t value : values) run.values.push_back(graph_.values[value].handle);
  for (const std::size_t value : references) run.references.push_back(graph_.values[value].handle);
  std::vector<Pair> columns;
  for (const std::size_t value : feeds) {
    run.feeds.push_back(graph_.values[value].handle);
    columns.push_back(columns_.at(value));
  }
  KeptSource source(std::move(columns), samples_);
  run.sink_bytes = std::min(std::max(store_.most(), store_.held()),
                            store_.held() + expected_bytes(ctx, values) + expected_bytes(ctx, references));
  (void)sdk::run_fed_samples(ctx, run, source, sink);
}

// What the float network has is read by later blocks, and by this one where it mixes it in.
bool BlockData::keeps_reference(const DataStep &step, std::size_t value) const {
  return choices_.mixes || std::ranges::find(step.drops, value) == step.drops.end();
}

// Of the values that the block's exit is computed from, what neither the block nor a later one reads.
std::vector<Column *> BlockData::passed(const DataStep &step, const Block &block) {
  std::vector<Column *> columns;
  for (const std::size_t value : step.feeds) {
    if (std::ranges::find(step.drops, value) == step.drops.end()) continue;
    const Pair &pair = columns_.at(value);
    const bool enters = std::ranges::find(block.entries, value) != block.entries.end();
    if (!enters) columns.push_back(pair.quantized.get());
    if (pair.reference != pair.quantized && (!enters || !choices_.mixes)) columns.push_back(pair.reference.get());
  }
  return columns;
}

BlockError BlockData::gather(const sdk::Context &ctx, std::size_t block) {
  const DataStep &step = plan_.steps.at(block);
  const std::size_t exit = blocks_[block].exit;
  std::vector<std::size_t> values = step.stores, references{exit};
  std::map<ht_handle, Column *> quantized, reference;
  for (const std::size_t value : step.stores) {
    quantized[graph_.values[value].handle] = &new_column(value, false);
    if (!keeps_reference(step, value)) continue;
    reference[graph_.values[value].handle] = &new_column(value, true);
    references.push_back(value);
  }
  values.push_back(exit);
  const ht_handle exit_handle = graph_.values[exit].handle;
  reference[exit_handle] = &new_column(exit, true);
  GatherSink sink(std::move(quantized), std::move(reference), passed(step, blocks_[block]), exit_handle, samples_,
                  choices_.exponent);
  run(ctx, values, references, step.feeds, sink);
  return sink.error();
}

BlockError BlockData::measure(const sdk::Context &ctx, std::size_t block) {
  const std::size_t exit = blocks_[block].exit;
  MeasureSink sink(new_column(exit, false), *columns_.at(exit).reference, choices_.exponent);
  run(ctx, {exit}, {}, blocks_[block].entries, sink);
  return sink.error();
}

void BlockData::finish(std::size_t block) {
  for (const std::size_t value : plan_.steps.at(block).drops) columns_.erase(value);
}

}  // namespace halftone::passes
