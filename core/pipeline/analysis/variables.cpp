#include "core/pipeline/analysis/variables.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "core/pipeline/analysis/part_session.h"
#include "core/pipeline/memory_fit.h"
#include "core/quant/arithmetic.h"

namespace halftone::pipeline {

namespace {

using model::Handle;

constexpr std::size_t kFineBins = 2048;
constexpr double kBulk = 0.999;
constexpr std::int64_t kMostCodes = 1 << 16;

// A variable with its quantizer, whose arrays belong to the working model.
struct Slot {
  Handle value = HT_NONE;
  ht_quantizer quantizer{};
  bool one_scale() const { return quantizer.kind == HT_QUANT_INTEGER && quantizer.granularity == HT_PER_TENSOR; }
  double scale() const { return quantizer.scales[0]; }
  double low() const { return static_cast<double>(quantizer.quant_min - quantizer.zero_points[0]) * scale(); }
  double high() const { return static_cast<double>(quantizer.quant_max - quantizer.zero_points[0]) * scale(); }
  bool counts_codes() const { return quantizer.quant_max - quantizer.quant_min < kMostCodes; }
};

struct Ranges {
  Range floats, quantized, noise;
  std::vector<float> channels;  // largest magnitude of each

  void join(const Ranges &other) {
    floats.join(other.floats), quantized.join(other.quantized), noise.join(other.noise);
    channels.resize(std::max(channels.size(), other.channels.size()));
    for (std::size_t i = 0; i < other.channels.size(); ++i) channels[i] = std::max(channels[i], other.channels[i]);
  }
};

std::vector<float> channel_magnitudes(std::span<const float> values, const model::Shape &shape) {
  if (shape.size() < 3) return {};
  std::vector<float> channels(static_cast<std::size_t>(shape[1]));
  std::size_t inner = 1;
  for (std::size_t axis = 2; axis < shape.size(); ++axis) inner *= static_cast<std::size_t>(shape[axis]);
  for (std::size_t at = 0; at < values.size(); at += inner) {
    float &channel = channels[at / inner % channels.size()];
    for (const float x : values.subspan(at, inner)) channel = std::max(channel, std::abs(x));
  }
  return channels;
}

std::optional<double> spread_of(std::vector<float> channels) {
  std::erase(channels, 0.0F);
  if (channels.size() < 2) return std::nullopt;
  std::ranges::sort(channels);
  return static_cast<double>(channels.back()) / channels[channels.size() / 2];
}

struct Counts {
  Spread floats, quantized, noise;
  std::vector<std::uint64_t> fine;  // magnitudes
  std::vector<bool> codes;
  std::uint64_t saturated = 0;
  double error = 0, saturated_error = 0, signal = 0;

  void join(const Counts &other) {
    floats.join(other.floats), quantized.join(other.quantized), noise.join(other.noise);
    fine.resize(std::max(fine.size(), other.fine.size()));
    for (std::size_t i = 0; i < other.fine.size(); ++i) fine[i] += other.fine[i];
    codes.resize(std::max(codes.size(), other.codes.size()));
    for (std::size_t i = 0; i < other.codes.size(); ++i) codes[i] = codes[i] || other.codes[i];
    saturated += other.saturated;
    error += other.error, saturated_error += other.saturated_error, signal += other.signal;
  }
};

double magnitude(const Range &range) {
  return std::max(std::abs(range.minimum), std::abs(range.maximum));
}

void count_codes(std::span<const float> values, std::span<const float> quantized, const Slot &slot, const Range &range,
                 Counts &counts) {
  const double low = slot.low(), high = slot.high(), half = slot.scale() / 2, largest = magnitude(range);
  const double to_bin = largest > 0 ? static_cast<double>(kFineBins) / largest : 0;
  counts.fine.resize(kFineBins);
  for (const float x : values) {
    const auto bin = static_cast<std::size_t>(std::abs(x) * to_bin);
    ++counts.fine[std::min(bin, kFineBins - 1)];
    const double y =
        quant::fake_quantize_one(x, slot.quantizer.scales[0], slot.quantizer.zero_points[0], slot.quantizer);
    const double error = (y - x) * (y - x);
    counts.error += error;
    counts.signal += static_cast<double>(x) * x;
    if (x >= low - half && x <= high + half) continue;
    ++counts.saturated;
    counts.saturated_error += error;
  }
  if (!slot.counts_codes()) return;
  counts.codes.resize(static_cast<std::size_t>(slot.quantizer.quant_max - slot.quantizer.quant_min + 1));
  for (const float y : quantized) {
    const std::int32_t code =
        quant::quantize_one(y, slot.quantizer.scales[0], slot.quantizer.zero_points[0], slot.quantizer);
    counts.codes[static_cast<std::size_t>(code - slot.quantizer.quant_min)] = true;
  }
}

// Runs both models on a sample, or on each frame of a sequence from the states of the float model, and hands over each
// slot's float values, quantized values and their difference. Leaves a Part for each slot.
template <typename Part>
class BothModels : public calibration::SampleSink {
 public:
  BothModels(const std::vector<Slot> &slots, const host::Session &floats, const host::Session &quantized,
             std::uint32_t worker)
      : slots_(slots), float_session_(floats), quantized_session_(quantized), worker_(worker) {}
  void begin(std::uint64_t) override { left_ = std::make_shared<std::vector<Part>>(slots_.size()); }
  std::shared_ptr<void> take(host::Context &, const calibration::Sample &) override {
    return std::exchange(left_, nullptr);
  }
  void value(Handle value, const ht_tensor_view &tensor) override { floats_[value].store(tensor); }

 protected:
  template <typename Visit>
  void each_slot(host::Context &ctx, std::span<const ht_tensor_view> fed, Visit &&visit) {
    const std::vector<Handle> &inputs = float_session_.inputs();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      floats_[inputs[i]].store(fed[i]);
      quantized_[inputs[i]].store(fed[i]);
    }
    quantized_session_.run_frame(ctx, worker_, fed,
                                 [&](Handle value, const ht_tensor_view &tensor) { quantized_[value].store(tensor); });
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const StoredTensor &f = floats_.at(slots_[i].value), &q = quantized_.at(slots_[i].value);
      const std::size_t count = f.floats().size();
      if (count == 0 || q.floats().size() != count) continue;
      after_.resize(count);
      quant::fake_quantize(q.floats(), after_, q.shape(), slots_[i].quantizer);
      noise_.resize(count);
      for (std::size_t k = 0; k < count; ++k) noise_[k] = after_[k] - f.floats()[k];
      visit(i, f, std::span<const float>(after_), std::span<const float>(noise_));
    }
  }
  const std::vector<Slot> &slots_;
  std::shared_ptr<std::vector<Part>> left_;

 private:
  const host::Session &float_session_, &quantized_session_;
  std::uint32_t worker_;
  Values floats_, quantized_;
  std::vector<float> after_, noise_;
};

class RangeSink final : public BothModels<Ranges> {
 public:
  using BothModels::BothModels;
  void frame(host::Context &ctx, std::span<const ht_tensor_view> fed) override {
    each_slot(ctx, fed, [&](std::size_t i, const StoredTensor &floats, auto quantized, auto noise) {
      Ranges ranges;
      ranges.channels = channel_magnitudes(floats.floats(), floats.shape());
      ranges.floats.take(floats.floats()), ranges.quantized.take(quantized), ranges.noise.take(noise);
      (*left_)[i].join(ranges);
    });
  }
};

class CountSink final : public BothModels<Counts> {
 public:
  CountSink(const std::vector<Slot> &slots, const host::Session &floats, const host::Session &quantized,
            std::uint32_t worker, const std::vector<Ranges> &ranges)
      : BothModels(slots, floats, quantized, worker), ranges_(ranges) {}
  void frame(host::Context &ctx, std::span<const ht_tensor_view> fed) override {
    each_slot(ctx, fed, [&](std::size_t i, const StoredTensor &floats, auto quantized, auto noise) {
      Counts counts;
      counts.floats.take(floats.floats(), ranges_[i].floats);
      counts.quantized.take(quantized, ranges_[i].quantized);
      counts.noise.take(noise, ranges_[i].noise);
      if (slots_[i].one_scale()) count_codes(floats.floats(), quantized, slots_[i], ranges_[i].floats, counts);
      (*left_)[i].join(counts);
    });
  }

 private:
  const std::vector<Ranges> &ranges_;
};

CodeFigures figures_of(const Slot &slot, const Ranges &ranges, const Counts &counts) {
  CodeFigures figures;
  figures.low = slot.low();
  figures.high = slot.high();
  figures.saturated = counts.saturated;
  figures.saturated_share = counts.error > 0 ? counts.saturated_error / counts.error : 0;
  figures.noise_to_signal = counts.error / (counts.signal + 1e-7);
  if (!counts.codes.empty()) {
    figures.codes =
        static_cast<double>(std::ranges::count(counts.codes, true)) / static_cast<double>(counts.codes.size());
  }
  std::uint64_t below = 0;
  std::size_t bin = 0;
  while (bin < counts.fine.size() &&
         static_cast<double>(below += counts.fine[bin]) < kBulk * static_cast<double>(ranges.floats.count))
    ++bin;
  figures.bulk = magnitude(ranges.floats) * static_cast<double>(std::min(bin + 1, kFineBins)) / kFineBins;
  return figures;
}

// Slots of the main graph with a live scale of their own on a value that is no parameter.
std::vector<Variable> find_variables(const host::WorkingModel &working, std::vector<Slot> &slots) {
  std::vector<Variable> variables;
  const model::Model &m = working.model;
  for (const Handle config : working.configs.all()) {
    const quant::Config &c = working.configs.get(config);
    const model::Node &node = m.node(c.key.node);
    const auto &values = c.key.is_output ? node.outputs : node.inputs;
    const Handle value = c.key.slot < values.size() ? values[c.key.slot] : HT_NONE;
    if (node.graph != m.main_graph() || value == HT_NONE || m.value(value).initializer) continue;
    const auto quantizer = working.configs.quantizer(config);
    // A range that is taken at run time has no codes to count.
    if (!quantizer || quantizer->dynamic != nullptr || working.configs.source(config) != config) continue;
    slots.push_back({value, *quantizer});
    Variable variable;
    variable.config = config;
    variable.node = node.name;
    variable.type = node.op_type;
    variable.value = m.value(value).name;
    variable.is_output = c.key.is_output;
    variable.slot = c.key.slot;
    variables.push_back(std::move(variable));
  }
  return variables;
}

template <typename Part, typename Sink, typename... More>
std::vector<Part> gather(calibration::FlowResult &flow, const calibration::Dataset &dataset,
                         const calibration::FlowOptions &options, const std::vector<Slot> &slots,
                         const host::Session &floats, const host::Session &quantized, const More &...more) {
  std::vector<Part> all(slots.size());
  flow = calibration::run_flow(
      dataset, floats, options,
      [&](std::uint32_t worker) { return std::make_unique<Sink>(slots, floats, quantized, worker, more...); },
      [&](std::uint64_t, const std::shared_ptr<void> &left) {
        const auto &parts = *static_cast<const std::vector<Part> *>(left.get());
        for (std::size_t i = 0; i < parts.size(); ++i) all[i].join(parts[i]);
      });
  return all;
}

}  // namespace

VariableAnalysis analyze_variables(const calibration::Dataset &dataset, const AnalysisRequest &request,
                                   const calibration::FlowOptions &options) {
  VariableAnalysis analysis;
  std::vector<Slot> slots;
  std::vector<Variable> &variables = analysis.variables = find_variables(*request.working, slots);
  const model::Model &m = request.working->model;
  std::set<Handle> values;
  for (const Slot &slot : slots) {
    if (m.value(slot.value).producer != HT_NONE) values.insert(slot.value);
  }
  PartOpener opener(request, options.workers, dataset.sequence());
  const auto floats = opener.whole(false, {values.begin(), values.end()});
  const auto quantized = opener.whole(true, {values.begin(), values.end()});
  calibration::FlowOptions flow = options;
  if (request.memory_budget) {
    // Each of a few samples that wait to be counted in order.
    const std::uint64_t counted = slots.size() * (sizeof(Counts) + kFineBins * sizeof(std::uint64_t) + kMostCodes / 8);
    const AnalysisSessions sessions{{floats.get(), quantized.get()}, {}, 2, 4 * counted};
    (void)fit_analysis(sessions, dataset, *request.memory_budget, flow);
  }
  calibration::FlowResult seen;
  const auto ranges = gather<Ranges, RangeSink>(seen, dataset, flow, slots, *floats, *quantized);
  analysis.samples = seen.samples;
  analysis.skipped = calibration::reasons_of(seen.skipped);
  if (variables.empty() || seen.samples == 0) return analysis;
  const auto counts = gather<Counts, CountSink>(seen, dataset, flow, slots, *floats, *quantized, ranges);
  for (std::size_t i = 0; i < variables.size(); ++i) {
    variables[i].floats = summary_of(ranges[i].floats, counts[i].floats);
    variables[i].quantized = summary_of(ranges[i].quantized, counts[i].quantized);
    variables[i].noise = summary_of(ranges[i].noise, counts[i].noise);
    variables[i].channel_spread = spread_of(ranges[i].channels);
    if (slots[i].one_scale()) variables[i].codes = figures_of(slots[i], ranges[i], counts[i]);
  }
  return analysis;
}

}  // namespace halftone::pipeline
