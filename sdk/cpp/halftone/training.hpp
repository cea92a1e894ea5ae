// Training a part of the model in C++, over "ht.training/1" and the trainer's table. Failures throw.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "halftone/host.hpp"
#include "halftone/trainer.h"

namespace halftone::sdk {

// The trainer of the run.
class Trainer {
 public:
  explicit Trainer(const Context &ctx) {
    const auto *service = ctx.host.find<ht_training>(HT_TRAINING_1);
    if (service == nullptr) {
      throw Failure(
          HT_PERMISSION_DENIED,
          "the component did not declare HT_CAP_EXECUTE and HT_CAP_THREADS, or the host is older than " HT_TRAINING_1);
    }
    check(service->find(ctx.raw, &api_, &instance_));
  }
  // Whether forward and backward of the node are known; the reason is recorded with the host where not.
  bool supports(const Context &ctx, ht_handle node) const {
    const ht_status status = api_->supports(instance_, ctx.raw, node);
    if (status == HT_UNIMPLEMENTED) return false;
    check(status);
    return true;
  }
  const ht_trainer &api() const { return *api_; }
  void *instance() const { return instance_; }

 private:
  const ht_trainer *api_ = nullptr;
  void *instance_ = nullptr;
};

// What a session is opened with; see ht_train_options. Lists that are handed in are copied.
class TrainingSetup {
 public:
  std::vector<ht_handle> inputs, outputs, weights, normalizations;
  std::uint64_t memory = 0, seed = 0;
  std::uint32_t shards = 0;

  TrainingSetup() {
    for (ht_optimizer &each : optimizers_) each = adam();
  }
  TrainingSetup(const TrainingSetup &) = delete;
  TrainingSetup &operator=(const TrainingSetup &) = delete;
  static ht_optimizer adam() {
    ht_optimizer o{};
    o.struct_size = sizeof(o);
    o.kind = HT_OPTIMIZER_ADAM;
    o.beta1 = 0.9F, o.beta2 = 0.999F, o.epsilon = 1e-8F;
    return o;
  }
  static ht_optimizer sgd(float momentum) {
    ht_optimizer o{};
    o.struct_size = sizeof(o);
    o.kind = HT_OPTIMIZER_SGD;
    o.momentum = momentum;
    return o;
  }
  // `kind`: HT_LEARNED_*.
  void optimizer(std::uint32_t kind, const ht_optimizer &how) { optimizers_.at(kind) = how; }
  // `learns`: bits 1u << HT_LEARNED_*. Numbers (flags are 0 or 1) and texts are parameters of the method, by name.
  void quantizer(ht_handle config, std::string_view method, std::uint32_t learns,
                 std::span<const std::pair<std::string, double>> numbers = {},
                 std::span<const std::pair<std::string, std::string>> texts = {}) {
    Method &m = methods_.emplace_back();
    m.name = method;
    m.numbers.assign(numbers.begin(), numbers.end());
    m.texts.assign(texts.begin(), texts.end());
    for (const auto &[name, number] : m.numbers) {
      m.fields.push_back({view(std::string_view(name)), {HT_VALUE_F64, 1, &number, {0, 0}}});
    }
    for (const auto &[name, text] : m.texts) m.views.push_back(view(std::string_view(text)));
    for (std::size_t i = 0; i < m.texts.size(); ++i) {
      m.fields.push_back({view(std::string_view(m.texts[i].first)), {HT_VALUE_STR, 1, &m.views[i], {0, 0}}});
    }
    ht_train_quantizer q{};
    q.struct_size = sizeof(q);
    q.learns = learns;
    q.config = config;
    q.method = view(std::string_view(m.name));
    q.parameters = m.fields.data();
    q.parameter_count = m.fields.size();
    quantizers_.push_back(q);
  }
  // What it points to has to live until the session is open.
  void fold(const ht_train_fold &folded) { folds_.push_back(folded); }
  void loss(std::uint32_t kind, ht_handle output, float parameter = 0, float weight = 1, std::uint64_t axes = 0) {
    ht_train_loss l{};
    l.struct_size = sizeof(l);
    l.kind = kind;
    l.output = output;
    l.weight = weight;
    l.parameter = parameter;
    l.axes = axes;
    losses_.push_back(l);
  }
  ht_train_options options() const {
    ht_train_options o{};
    o.struct_size = sizeof(o);
    o.shards = shards;
    o.inputs = {inputs.data(), inputs.size()};
    o.outputs = {outputs.data(), outputs.size()};
    o.weights = {weights.data(), weights.size()};
    o.quantizers = quantizers_.data();
    o.quantizer_count = quantizers_.size();
    o.folds = folds_.data();
    o.fold_count = folds_.size();
    o.normalizations = {normalizations.data(), normalizations.size()};
    o.losses = losses_.data();
    o.loss_count = losses_.size();
    o.optimizers = optimizers_.data();
    o.optimizer_count = optimizers_.size();
    o.memory = memory;
    o.seed = seed;
    return o;
  }

 private:
  struct Method {
    std::string name;
    std::vector<std::pair<std::string, double>> numbers;
    std::vector<std::pair<std::string, std::string>> texts;
    std::vector<ht_str> views;
    std::vector<ht_field> fields;
  };
  std::deque<Method> methods_;  // what quantizers_ point into
  std::vector<ht_train_quantizer> quantizers_;
  std::vector<ht_train_fold> folds_;
  std::vector<ht_train_loss> losses_;
  std::array<ht_optimizer, HT_LEARNED_KINDS> optimizers_{};
};

// Inputs and targets of one batch; see ht_train_batch. What the views point to stays the caller's.
struct TrainingBatch {
  std::vector<ht_tensor_view> inputs, targets;
  bool soft = false;
  std::uint64_t step = 0;
  std::uint32_t statistics_batch = 0;
  float rounding_weight = 0, rounding_beta = 0, quantization_weight = 0;

  ht_train_batch raw() const {
    ht_train_batch b{};
    b.struct_size = sizeof(b);
    b.soft = soft ? 1 : 0;
    b.inputs = inputs.data();
    b.input_count = inputs.size();
    b.targets = targets.data();
    b.target_count = targets.size();
    b.step = step;
    b.rounding_weight = rounding_weight;
    b.rounding_beta = rounding_beta;
    b.quantization_weight = quantization_weight;
    b.statistics_batch = statistics_batch;
    return b;
  }
};

// Learning rates by HT_LEARNED_*.
using TrainingRates = std::array<float, HT_LEARNED_KINDS>;

// Closed when it goes.
class TrainingSession {
 public:
  TrainingSession(const Context &ctx, const Trainer &trainer, const TrainingSetup &setup) : api_(trainer.api()) {
    const ht_train_options options = setup.options();
    check(api_.open(trainer.instance(), ctx.raw, &options, &session_));
  }
  ~TrainingSession() { api_.close(session_); }
  TrainingSession(const TrainingSession &) = delete;
  TrainingSession &operator=(const TrainingSession &) = delete;

  ht_train_result evaluate(const Context &ctx, const TrainingBatch &batch, ht_train_emit emit = nullptr,
                           void *user = nullptr) const {
    const ht_train_batch raw = batch.raw();
    ht_train_result result = empty_result();
    check(api_.evaluate(session_, ctx.raw, &raw, emit, user, &result));
    return result;
  }
  ht_train_result accumulate(const Context &ctx, const TrainingBatch &batch) const {
    const ht_train_batch raw = batch.raw();
    ht_train_result result = empty_result();
    check(api_.accumulate(session_, ctx.raw, &raw, &result));
    return result;
  }
  void update(const Context &ctx, const TrainingRates &rates, float clip = 0, float scale = 0) const {
    ht_train_update u{};
    u.struct_size = sizeof(u);
    u.rate_count = HT_LEARNED_KINDS;
    u.rates = rates.data();
    u.clip = clip;
    u.scale = scale;
    check(api_.update(session_, ctx.raw, &u));
  }
  // Valid until the next call of the session.
  ht_tensor_view read(const Context &ctx, std::uint32_t kind, ht_handle handle, std::uint32_t part = 0) const {
    const ht_train_subject subject = subject_of(kind, handle, part);
    ht_tensor_view tensor = empty_view();
    check(api_.read(session_, ctx.raw, &subject, &tensor));
    return tensor;
  }
  ht_tensor_view gradient(const Context &ctx, std::uint32_t kind, ht_handle handle, std::uint32_t part = 0) const {
    const ht_train_subject subject = subject_of(kind, handle, part);
    ht_tensor_view tensor = empty_view();
    check(api_.gradient(session_, ctx.raw, &subject, &tensor));
    return tensor;
  }
  void write(const Context &ctx, std::uint32_t kind, ht_handle handle, const ht_tensor_view &tensor,
             std::uint32_t part = 0) const {
    const ht_train_subject subject = subject_of(kind, handle, part);
    check(api_.write(session_, ctx.raw, &subject, &tensor));
  }
  // All that is learned and the optimizers' state; valid until the next call of the session.
  std::span<const std::byte> save(const Context &ctx) const {
    const void *bytes = nullptr;
    std::uint64_t size = 0;
    check(api_.save(session_, ctx.raw, &bytes, &size));
    return {static_cast<const std::byte *>(bytes), static_cast<std::size_t>(size)};
  }
  void restore(const Context &ctx, std::span<const std::byte> bytes) const {
    check(api_.restore(session_, ctx.raw, bytes.data(), bytes.size()));
  }

 private:
  static ht_train_result empty_result() {
    ht_train_result r{};
    r.struct_size = sizeof(r);
    return r;
  }
  static ht_tensor_view empty_view() {
    ht_tensor_view v{};
    v.struct_size = sizeof(v);
    return v;
  }
  static ht_train_subject subject_of(std::uint32_t kind, ht_handle handle, std::uint32_t part) {
    return {sizeof(ht_train_subject), kind, handle, part, 0};
  }
  const ht_trainer &api_;
  void *session_ = nullptr;
};

}  // namespace halftone::sdk
