#include "network_data.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "halftone/trial.hpp"

namespace halftone::passes {
namespace {

bool is_float(const sdk::Graph &graph, ht_handle value) {
  return graph.value(value).info.type.dtype != HT_I64;
}

// Of one sample, from the static shapes, with 1 for what they do not say.
std::uint64_t bytes_of(const sdk::Graph &graph, const std::vector<ht_handle> &values) {
  std::uint64_t all = 0;
  for (const ht_handle value : values) {
    const ht_tensor_info type = graph.value(value).info.type;
    std::uint64_t bytes = is_float(graph, value) ? sizeof(float) : sizeof(std::int64_t);
    for (std::uint32_t k = 0; type.known_rank != 0 && k < type.rank; ++k) {
      if (type.shape[k] > 0) bytes *= static_cast<std::uint64_t>(type.shape[k]);
    }
    all += bytes;
  }
  return all;
}

}  // namespace

class NetworkData::Sink final : public sdk::SampleSink {
 public:
  explicit Sink(std::map<ht_handle, Column *> columns) : columns_(std::move(columns)) {}
  void see(const sdk::Context &, std::uint32_t, std::uint64_t sample, ht_handle value,
           const ht_tensor_view &tensor) override {
    keep(sample, value, tensor);
  }
  void see_reference(const sdk::Context &, std::uint32_t, std::uint64_t sample, ht_handle value,
                     const ht_tensor_view &tensor) override {
    keep(sample, value, tensor);
  }

 private:
  void keep(std::uint64_t sample, ht_handle value, const ht_tensor_view &tensor) {
    {
      const std::scoped_lock lock(mutex_);
      if (!seen_.emplace(sample, value).second) {
        throw sdk::Failure(HT_UNIMPLEMENTED,
                           "the samples are sequences, whose frames depend on each other; the whole network can be "
                           "trained on single samples only, take learned-step-size or qdrop");
      }
    }
    columns_.at(value)->put(sample, tensor);
  }
  std::map<ht_handle, Column *> columns_;
  std::mutex mutex_;
  std::set<std::pair<std::uint64_t, ht_handle>> seen_;
};

NetworkData::NetworkData(const sdk::Context &ctx, const NetworkPart &part, const Choices &choices)
    : store_(choices.memory) {
  for (std::size_t i = 0; i < part.inputs.size(); ++i) inputs_.push_back(store_.add_column());
  for (std::size_t i = 0; i < part.outputs.size(); ++i) targets_.push_back(store_.add_column());
  collect(ctx, part, true, choices);
  collect(ctx, part, false, choices);
  samples_ = targets_.front()->count();
  if (samples_ == 0) throw sdk::Failure(HT_FAILED_PRECONDITION, "there are no calibration samples to train on");
  classify(sdk::Graph(ctx), part);
  find_powers();
  labels_ = sdk::sample_labels(ctx);
  if (labels_.size() > samples_) labels_.resize(samples_);
}

NetworkData::~NetworkData() = default;

// Floats as plain float32, with the float network's outputs; integers in the type that they have, in a run of their
// own.
void NetworkData::collect(const sdk::Context &ctx, const NetworkPart &part, bool floats, const Choices &choices) {
  const sdk::Graph graph(ctx);
  std::map<ht_handle, Column *> columns;
  sdk::SampleRun run;
  run.plain = floats;
  run.limit = choices.samples;
  for (std::size_t i = 0; i < part.inputs.size(); ++i) {
    if (is_float(graph, part.inputs[i]) != floats) continue;
    columns[part.inputs[i]] = inputs_[i].get();
    run.values.push_back(part.inputs[i]);
  }
  if (floats) {
    run.references = part.outputs;
    for (std::size_t i = 0; i < part.outputs.size(); ++i) columns[part.outputs[i]] = targets_[i].get();
  }
  if (columns.empty()) return;
  std::vector<ht_handle> kept = run.values;
  kept.insert(kept.end(), run.references.begin(), run.references.end());
  ht_execution_options asked{};
  asked.struct_size = sizeof(asked);
  asked.limit = run.limit;
  std::uint64_t count = 0;
  sdk::check(ctx.host.execution->samples(ctx.raw, &asked, &count));
  run.sink_bytes = std::min(store_.most(), store_.held() + count * bytes_of(graph, kept));
  Sink sink(std::move(columns));
  (void)sdk::run_samples(ctx, run, sink);
}

void NetworkData::classify(const sdk::Graph &graph, const NetworkPart &part) {
  std::map<std::vector<std::vector<std::int64_t>>, std::size_t> known;
  for (std::uint64_t sample = 0; sample < samples_; ++sample) {
    std::vector<std::vector<std::int64_t>> shapes;
    for (const auto *columns : {&inputs_, &targets_}) {
      for (const auto &column : *columns) shapes.push_back(column->at(sample).shape);
    }
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      if (!shapes[i].empty() && !shapes[0].empty() && shapes[i][0] == shapes[0][0]) continue;
      const bool input = i < inputs_.size();
      const ht_handle value = input ? part.inputs[i] : part.outputs[i - inputs_.size()];
      throw sdk::Failure(HT_UNIMPLEMENTED,
                         "'" + std::string(graph.value(value).name()) + "' and input '" +
                             std::string(graph.value(part.inputs[0]).name()) +
                             "' have not the same first axis, so that samples make no batches; name other values in "
                             "`outputs`, or take learned-step-size or qdrop",
                         value);
    }
    rows_ = sample == 0 || rows_ == shapes[0][0] ? shapes[0][0] : 0;
    classes_.push_back(known.emplace(std::move(shapes), known.size()).first->second);
  }
}

void NetworkData::find_powers() {
  std::vector<std::byte> buffer;
  for (const auto &column : targets_) {
    double sum = 0, count = 0;
    for (std::uint64_t sample = 0; sample < samples_; ++sample) {
      const auto *data = reinterpret_cast<const float *>(column->bytes(sample, buffer));
      const std::size_t size = column->at(sample).size / sizeof(float);
      for (std::size_t i = 0; i < size; ++i) sum += double{data[i]} * double{data[i]};
      count += static_cast<double>(size);
    }
    powers_.push_back(count > 0 ? sum / count : 0);
  }
}

BatchForm batch_form(const NetworkPart &part, const NetworkData &data, std::uint64_t asked) {
  if (!part.fixed_rows) return {asked, 0};
  const std::uint64_t samples = data.rows() == 1 ? asked : 1;
  return {samples, static_cast<std::uint32_t>(samples)};
}

void NetworkData::add_to(sdk::ContentDigest &digest) const {
  std::vector<std::byte> buffer;
  digest.add(samples_);
  for (const auto *columns : {&inputs_, &targets_}) {
    for (const auto &column : *columns) {
      for (std::uint64_t sample = 0; sample < samples_; ++sample) {
        const StoredSample &stored = column->at(sample);
        for (const std::int64_t extent : stored.shape) digest.add(static_cast<std::uint64_t>(extent));
        digest.add(std::span(column->bytes(sample, buffer), stored.size));
      }
    }
  }
  for (const std::int64_t label : labels_) digest.add(static_cast<std::uint64_t>(label));
}

}  // namespace halftone::passes
