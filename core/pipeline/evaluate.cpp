#include "core/pipeline/evaluate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>

#include "core/host/instance.h"
#include "core/model/tensor.h"
#include "halftone/reader.h"

namespace halftone::pipeline {

namespace {

using Outputs = std::vector<std::vector<float>>;

std::vector<float> as_floats(const ht_tensor_view &tensor) {
  const std::span<const std::int64_t> shape(tensor.shape, tensor.rank);
  const std::int64_t count = model::element_count(shape);
  const auto *bytes = static_cast<const std::byte *>(tensor.data);
  const std::size_t size = model::dtype_bytes(tensor.dtype, count);
  return model::Tensor(tensor.dtype, {shape.begin(), shape.end()}, std::span(bytes, size), nullptr).to_floats();
}

std::size_t argmax(std::span<const float> scores) {
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

// What one sample leaves for the serial step.
struct Left {
  Outputs outputs, reference;
  bool scores = false;                // the first output has one score for each class: a single axis longer than 1
  std::vector<OutputTensor> tensors;  // where somebody takes them
};

class OutputSink final : public calibration::SampleSink {
 public:
  OutputSink(const EvaluationRequest &request, std::uint32_t worker) : request_(request), worker_(worker) {
    for (std::size_t i = 0; i < request.outputs.size(); ++i) position_[request.outputs[i]].push_back(i);
    for (std::size_t i = 0; i < request.reference_outputs.size(); ++i) {
      reference_position_[request.reference_outputs[i]].push_back(i);
    }
  }
  void begin(std::uint64_t) override {
    left_ = std::make_shared<Left>();
    left_->outputs.resize(request_.outputs.size());
    left_->reference.resize(request_.reference_outputs.size());
    if (request_.take_outputs) left_->tensors.resize(request_.outputs.size());
  }
  void value(model::Handle value, const ht_tensor_view &tensor) override {
    store(position_, left_->outputs, value, tensor);
    if (!request_.sequences && !request_.outputs.empty() && value == request_.outputs.front()) {
      left_->scores = std::count_if(tensor.shape, tensor.shape + tensor.rank, [](auto n) { return n > 1; }) == 1;
    }
    if (request_.take_outputs) keep(value, tensor);
  }
  std::shared_ptr<void> take(host::Context &ctx, const calibration::Sample &sample) override {
    if (request_.reference != nullptr) {
      request_.reference->run(ctx, worker_, sample.inputs, [&](model::Handle value, const ht_tensor_view &tensor) {
        store(reference_position_, left_->reference, value, tensor);
      });
    }
    return std::exchange(left_, nullptr);
  }

 private:
  using Position = std::map<model::Handle, std::vector<std::size_t>>;
  static void store(const Position &position, Outputs &outputs, model::Handle value, const ht_tensor_view &tensor) {
    const auto found = position.find(value);
    if (found == position.end()) return;
    const std::vector<float> frame = as_floats(tensor);
    for (const std::size_t at : found->second) outputs[at].insert(outputs[at].end(), frame.begin(), frame.end());
  }
  void keep(model::Handle value, const ht_tensor_view &tensor) {
    const auto found = position_.find(value);
    if (found == position_.end()) return;
    const std::span<const std::int64_t> shape(tensor.shape, tensor.rank);
    const auto *bytes = static_cast<const std::byte *>(tensor.data);
    const std::size_t size = model::dtype_bytes(tensor.dtype, model::element_count(shape));
    for (const std::size_t at : found->second) {
      OutputTensor &kept = left_->tensors[at];
      if (request_.sequences && kept.dtype != HT_DTYPE_NONE) {
        append(kept, request_.output_names[at], tensor, {bytes, size});
        continue;
      }
      kept = {tensor.dtype, {shape.begin(), shape.end()}, {bytes, bytes + size}};
      if (request_.sequences) kept.shape.insert(kept.shape.begin(), 1);
    }
  }
  // Another frame, along a first axis of their own.
  static void append(OutputTensor &kept, const std::string &name, const ht_tensor_view &tensor,
                     std::span<const std::byte> bytes) {
    const std::span<const std::int64_t> shape(tensor.shape, tensor.rank);
    if (kept.dtype != tensor.dtype ||
        !std::equal(shape.begin(), shape.end(), kept.shape.begin() + 1, kept.shape.end())) {
      fail(Status::kFailedPrecondition, "output '{}' has another shape in another frame of a sequence", name);
    }
    ++kept.shape.front();
    kept.bytes.insert(kept.bytes.end(), bytes.begin(), bytes.end());
  }
  const EvaluationRequest &request_;
  std::uint32_t worker_;
  Position position_, reference_position_;
  std::shared_ptr<Left> left_;
};

// Sums in sample order, so that figures do not depend on the number of workers.
class Tally {
 public:
  explicit Tally(const EvaluationRequest &request) : request_(request) {
    for (const std::string &name : request.output_names) result.outputs.push_back({name, 0, 0, 0});
    if (request.reference == nullptr) result.outputs.clear();
  }

  void add(std::uint64_t index, const Left &left) {
    ++samples_;
    if (!left.outputs.empty()) add_class(index, left);
    for (std::size_t i = 0; i < result.outputs.size(); ++i) add_error(i, left.outputs[i], left.reference[i]);
  }

  void finish(std::uint64_t samples) {
    result.samples = samples;
    if (samples == 0) return;
    const auto n = static_cast<double>(samples);
    for (OutputError &error : result.outputs) error.noise_to_signal /= n, error.cosine /= n;
    if (!request_.labels.empty()) {
      result.top1 = static_cast<double>(top1_) / n;
      result.top5 = static_cast<double>(top5_) / n;
      if (request_.reference != nullptr) result.reference_top1 = static_cast<double>(reference_top1_) / n;
    }
    if (request_.reference == nullptr || classes_ < 2) return;
    result.agreement = static_cast<double>(agree_) / n;
    if (request_.labels.empty()) return;
    // Differences of single samples are 1, 0 or -1.
    const auto gained = static_cast<double>(gained_), lost = static_cast<double>(lost_), mean = (gained - lost) / n;
    result.top1_change_error = std::sqrt(std::max((gained + lost) / n - mean * mean, 0.0) / n);
  }

  Evaluation result;

 private:
  void add_class(std::uint64_t index, const Left &left) {
    const std::vector<float> &scores = left.outputs.front();
    classes_ = left.scores ? scores.size() : 0;
    if (classes_ < 2 && !request_.labels.empty()) {
      fail(
          Status::kFailedPrecondition,
          "the model's first output has {} element{} for sample {}, not one score for each class; leave the labels out",
          scores.size(), scores.size() == 1 ? "" : "s", index);
    }
    if (classes_ < 2) return;
    const std::size_t best = argmax(scores);
    const bool compared = !left.reference.empty() && left.reference.front().size() == classes_;
    const std::size_t reference = compared ? argmax(left.reference.front()) : 0;
    if (compared && reference == best) ++agree_;
    if (request_.labels.empty()) return;
    if (index >= request_.labels.size()) {
      fail(Status::kFailedPrecondition, "there are {} labels and more samples; give one for each, or limit the samples",
           request_.labels.size());
    }
    const std::int64_t label = request_.labels[index];
    if (label < 0 || static_cast<std::size_t>(label) >= classes_) {
      fail(Status::kFailedPrecondition,
           "label {} of sample {} is no class of the model, which has {} (0 to {}); check that the labels belong to "
           "the model",
           label, index, classes_, classes_ - 1);
    }
    const auto wanted = static_cast<std::size_t>(label);
    if (best == wanted) ++top1_;
    if (compared && reference == wanted) ++reference_top1_;
    if (compared && best == wanted && reference != wanted) ++gained_;
    if (compared && best != wanted && reference == wanted) ++lost_;
    const auto better = std::ranges::count_if(scores, [&](float s) { return s > scores[wanted]; });
    if (better < 5) ++top5_;
  }

  void add_error(std::size_t at, std::span<const float> q, std::span<const float> f) {
    if (q.size() != f.size()) {
      fail(Status::kFailedPrecondition,
           "output '{}' has {} elements, that of the reference model has {}; compare models with the same outputs",
           result.outputs[at].name, q.size(), f.size());
    }
    double noise = 0, signal = 0, cross = 0, own = 0, largest = 0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      const double a = q[i], b = f[i];
      noise += (a - b) * (a - b);
      signal += b * b;
      own += a * a;
      cross += a * b;
      largest = std::max(largest, std::abs(a - b));
    }
    OutputError &error = result.outputs[at];
    error.noise_to_signal += noise / (signal + 1e-7);
    error.cosine += own == 0 && signal == 0 ? 1 : cross / (std::sqrt(own) * std::sqrt(signal) + 1e-30);
    error.largest = std::max(error.largest, largest);
  }

  const EvaluationRequest &request_;
  std::uint64_t samples_ = 0, top1_ = 0, top5_ = 0, reference_top1_ = 0, agree_ = 0, gained_ = 0, lost_ = 0;
  std::size_t classes_ = 0;
};

}  // namespace

Evaluation evaluate(const calibration::Dataset &dataset, const EvaluationRequest &request,
                    const calibration::FlowOptions &options) {
  const auto start = std::chrono::steady_clock::now();
  if (request.reference != nullptr && request.outputs.size() != request.reference_outputs.size()) {
    fail(Status::kFailedPrecondition, "the model has {} outputs, the one it is compared with has {}",
         request.outputs.size(), request.reference_outputs.size());
  }
  Tally tally(request);
  const calibration::FlowResult flow = calibration::run_flow(
      dataset, *request.session, options,
      [&](std::uint32_t worker) -> std::unique_ptr<calibration::SampleSink> {
        return std::make_unique<OutputSink>(request, worker);
      },
      [&](std::uint64_t index, const std::shared_ptr<void> &left) {
        const auto &sample = *static_cast<const Left *>(left.get());
        tally.add(index, sample);
        if (request.take_outputs) request.take_outputs(sample.tensors);
      });
  tally.finish(flow.samples);
  tally.result.skipped = calibration::reasons_of(flow.skipped);
  tally.result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return std::move(tally.result);
}

std::vector<std::int64_t> read_labels(const host::Registry &registry, const std::string &path) try {
  host::Context ctx;
  const host::Instance reader(registry.get(HT_KIND_READER, "npy"), nullptr, ctx);
  const auto &role = reader.role<ht_reader>(HT_READER_1);
  const ht_str name{path.data(), path.size()};
  void *source = nullptr;
  host::call_component(ctx, [&] { return role.open(reader.raw(), &ctx, &name, &source); });
  const std::unique_ptr<void, decltype(role.close)> closing(source, role.close);
  std::uint64_t count = 0;
  host::call_component(ctx, [&] { return role.count(source, &ctx, &count); });
  std::vector<std::int64_t> labels;
  for (std::uint64_t i = 0; i < count; ++i) {
    ctx.arena.reset();
    ht_tensor_view sample{};
    sample.struct_size = sizeof(sample);
    host::call_component(ctx, [&] { return role.read(source, &ctx, i, &sample); });
    const std::span<const std::int64_t> shape(sample.shape, sample.rank);
    if (model::element_count(shape) != 1) {
      fail(Status::kFailedPrecondition,
           "the labels in '{}' must be one class number for each sample, not arrays; save one axis", path);
    }
    const auto *bytes = static_cast<const std::byte *>(sample.data);
    const model::Tensor one(sample.dtype, {1}, std::span(bytes, model::dtype_bytes(sample.dtype, 1)), nullptr);
    labels.push_back(one.to_ints().front());
  }
  return labels;
} catch (const Error &error) {
  // Whatever is wrong with labels is a fault of the data, not of the request.
  Error fault(error.status() == Status::kInvalidArgument ? Status::kDataLoss : error.status(), error.message());
  for (const std::string &note : error.notes()) fault.note(note);
  if (fault.message().find(path) == std::string::npos) fault.note("while reading the labels '" + path + "'");
  throw fault;
}

namespace {

// Scores that a sample gets, or 0 where the first output's shape does not tell. Axis 0 is the batch.
std::size_t class_count(const model::Model &m) {
  const std::vector<model::Handle> &outputs = m.graph(m.main_graph()).outputs;
  if (outputs.empty() || m.value(outputs.front()).type.dims.size() < 2) return 0;
  std::size_t count = 1;
  const std::vector<model::Dim> &dims = m.value(outputs.front()).type.dims;
  for (std::size_t axis = 1; axis < dims.size(); ++axis) {
    if (dims[axis].extent < 0) return 0;
    count *= static_cast<std::size_t>(dims[axis].extent);
  }
  return count;
}

}  // namespace

void require_labels(const std::vector<std::int64_t> &labels, std::uint64_t samples, const std::string &path,
                    const model::Model &model) {
  if (labels.size() < samples) {
    fail(Status::kFailedPrecondition, "'{}' has {} labels for {} samples; give one for each, or limit the samples",
         path, labels.size(), samples);
  }
  const std::size_t classes = class_count(model);
  if (classes < 2) return;
  for (std::uint64_t i = 0; i < samples; ++i) {
    if (labels[i] >= 0 && static_cast<std::size_t>(labels[i]) < classes) continue;
    fail(Status::kFailedPrecondition,
         "'{}': label {} of sample {} is no class of the model, which has {} (0 to {}); check that the labels belong "
         "to the model",
         path, labels[i], i, classes, classes - 1);
  }
}

std::vector<std::int64_t> labels_of(const host::Registry &registry, const DataSpec &data, const std::string &what,
                                    const calibration::Dataset &dataset, const model::Model &model) {
  const bool given = !data.given_labels.empty();
  if (data.labels.empty() && !given) return {};
  refuse_sequences(data, what);
  std::vector<std::int64_t> labels = given ? data.given_labels : read_labels(registry, data.labels);
  const std::uint64_t all = dataset.count() == calibration::kUncounted ? labels.size() : dataset.count();
  require_labels(labels, data.limit == 0 ? all : std::min(data.limit, all), given ? "labels" : data.labels, model);
  return labels;
}

}  // namespace halftone::pipeline
