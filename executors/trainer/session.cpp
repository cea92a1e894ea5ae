#include "session.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "batch.h"
#include "builder.h"
#include "halftone/execution.hpp"

namespace halftone::trainer {
namespace {

constexpr std::uint32_t kDefaultShards = 8;

ParameterTerms terms_of(const ht_train_batch &batch, std::uint64_t seed) {
  ParameterTerms terms;
  terms.rounding.rounding_weight = batch.rounding_weight;
  terms.rounding.rounding_beta = batch.rounding_beta;
  terms.quantization_weight = batch.quantization_weight;
  terms.seed = seed;
  terms.step = batch.step;
  return terms;
}

std::vector<Optimizer> optimizers_of(const ht_train_options &options) {
  std::vector<Optimizer> all;
  for (std::uint64_t kind = 0; kind < HT_LEARNED_KINDS; ++kind) {
    const bool given =
        options.optimizers != nullptr && kind != 0 && kind != HT_LEARNED_STATISTICS && kind < options.optimizer_count;
    all.emplace_back(given ? options.optimizers[kind] : Optimizer::default_options());
  }
  return all;
}

void refuse_what_is_not_there(const ht_train_options &options) {
  if (options.fold_count != 0) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "the trainer does not train folded normalizations yet", options.folds[0].node);
  }
  if (options.normalizations.size != 0) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "the trainer does not normalize by the batch yet",
                       options.normalizations.data[0]);
  }
}

}  // namespace

TrainingSession::TrainingSession(const sdk::Context &ctx, const ht_train_options &options)
    : losses_(options.losses, options.losses + options.loss_count),
      shards_(options.shards == 0 ? kDefaultShards : options.shards),
      seed_(options.seed),
      memory_(options.memory) {
  refuse_what_is_not_there(options);
  optimizers_ = optimizers_of(options);
  program_ = Builder(ctx, options).build();
  for (const auto &step : program_->steps) step->seal();
  whole_ = whole(*program_);
}

void TrainingSession::refresh(const sdk::Context &ctx, bool soft, const ParameterTerms &terms) {
  if (!stale_ && soft == soft_) return;
  refresh_parameters(ctx, *program_, soft, terms);
  stale_ = false;
  soft_ = soft;
}

ht_train_result TrainingSession::evaluate(const sdk::Context &ctx, const ht_train_batch &batch,
                                          const sdk::TrainEmit &emit) {
  const bool soft = batch.soft != 0;
  refresh(ctx, soft, terms_of(batch, seed_));
  Batch run(ctx, *program_, batch, losses_, shards_, seed_);
  run.run({false, soft}, false, whole_);
  if (emit) run.emit(emit);
  ht_train_result result{};
  result.struct_size = sizeof(result);
  result.loss = run.loss();
  result.rows = run.rows();
  return result;
}

// What is computed again depends on the shapes and on how many shards are kept at once; results do not depend on it.
const Segments &TrainingSession::segments_for(Batch &batch) {
  if (memory_ == 0) return whole_;
  const std::uint32_t workers = batch.workers();
  const auto key = std::pair(batch.rows(), workers);
  const auto known = limited_.find(key);
  if (known != limited_.end()) return known->second;
  return limited_[key] = segments_within(*program_, batch.measure(), memory_ / workers, workers);
}

ht_train_result TrainingSession::accumulate(const sdk::Context &ctx, const ht_train_batch &batch) {
  if (batch.target_count != losses_.size()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "gradients need a target for each loss of the session");
  }
  const ParameterTerms terms = terms_of(batch, seed_);
  refresh(ctx, true, terms);
  Batch run(ctx, *program_, batch, losses_, shards_, seed_);
  run.run({true, true}, true, segments_for(run));
  ht_train_result result{};
  result.struct_size = sizeof(result);
  result.loss = run.loss();
  result.rows = run.rows();
  result.regularizer = collect_gradients(ctx, *program_, run.shards(), terms);
  return result;
}

void TrainingSession::update(const sdk::Context &ctx, const ht_train_update &update) {
  std::vector<Learned> &learned = program_->learned;
  const float scale = update.scale == 0 ? 1.0F : update.scale;
  std::vector<double> squares(learned.size());
  if (scale != 1.0F || update.clip > 0) {
    sdk::for_each_piece(ctx, learned.size(), 0, [&](const sdk::Context &, std::uint32_t, std::uint64_t i) {
      for (float &g : learned[i].gradient) g *= scale;
      squares[i] = squared_norm(learned[i].gradient);
    });
  }
  std::array<double, HT_LEARNED_KINDS> by_kind{};
  for (std::size_t i = 0; i < learned.size(); ++i) by_kind[learned[i].kind] += squares[i];
  sdk::for_each_piece(ctx, learned.size(), 0, [&](const sdk::Context &, std::uint32_t, std::uint64_t i) {
    Learned &own = learned[i];
    const float factor = static_cast<float>(clip_factor(std::sqrt(by_kind[own.kind]), update.clip));
    if (factor != 1.0F) {
      for (float &g : own.gradient) g *= factor;
    }
    const float rate = own.kind < update.rate_count ? update.rates[own.kind] : 0.0F;
    const bool decays = own.kind == HT_LEARNED_WEIGHT && own.shape.size() > 1;
    if (rate != 0) optimizers_[own.kind].step(*own.values, own.gradient, own.optimizer, rate, decays);
    std::fill(own.gradient.begin(), own.gradient.end(), 0.0F);
  });
  for (const auto &point : program_->points) {
    if (point->quantizer != nullptr && point->learns != 0) point->quantizer->settle(point->state);
  }
  stale_ = true;
}

Learned &TrainingSession::find(const ht_train_subject &subject) {
  for (Learned &learned : program_->learned) {
    if (learned.kind == subject.kind && learned.handle == subject.handle && learned.part == subject.part)
      return learned;
  }
  throw sdk::Failure(HT_NOT_FOUND, "the session does not learn this", subject.handle);
}

// The point of a scale or offset, learned or not.
const Point *TrainingSession::point_of(const ht_train_subject &subject) const {
  if (subject.kind != HT_LEARNED_SCALE && subject.kind != HT_LEARNED_OFFSET) return nullptr;
  for (const auto &point : program_->points) {
    if (point->config == subject.handle && point->quantizer != nullptr) return point.get();
  }
  return nullptr;
}

ht_tensor_view TrainingSession::show(std::vector<float> values, Shape shape) {
  shown_ = std::move(values);
  shown_shape_ = std::move(shape);
  return sdk::float_view(shown_.data(), shown_shape_);
}

ht_tensor_view TrainingSession::read(const sdk::Context &, const ht_train_subject &subject) {
  if (const Point *point = point_of(subject)) {
    std::vector<float> scales(point->state.scales.size()), offsets(point->state.offsets.size());
    point->quantizer->store(point->state, scales, offsets);
    std::vector<float> &wanted = subject.kind == HT_LEARNED_SCALE ? scales : offsets;
    const auto count = static_cast<std::int64_t>(wanted.size());
    return show(std::move(wanted), {count});
  }
  if (subject.kind == HT_LEARNED_WEIGHT && subject.part == 0) {
    for (const Parameter &p : program_->parameters) {
      const bool own = p.weight >= 0 && program_->weights[static_cast<std::size_t>(p.weight)]->handle == subject.handle;
      if (own) return show(deployed(*program_, p), program_->weights[static_cast<std::size_t>(p.weight)]->shape);
      if (p.handle == subject.handle) return show(deployed(*program_, p), p.stored.shape);
    }
  }
  const Learned &learned = find(subject);
  return show(*learned.values, learned.shape);
}

ht_tensor_view TrainingSession::gradient(const sdk::Context &, const ht_train_subject &subject) {
  const Learned &learned = find(subject);
  return show(learned.gradient, learned.shape);
}

void TrainingSession::write(const sdk::Context &, const ht_train_subject &subject, const ht_tensor_view &view) {
  Learned &learned = find(subject);
  if (view.dtype != HT_F32 || view.strides != nullptr || view.block_size != 0 ||
      Shape(view.shape, view.shape + view.rank) != learned.shape) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "what is written has not the type or shape of what is learned",
                       subject.handle);
  }
  const auto *from = static_cast<const float *>(view.data);
  stale_ = true;
  if (const Point *found = point_of(subject)) {
    Point &point = const_cast<Point &>(*found);  // lies in program_
    std::vector<float> scales(point.state.scales.size()), offsets(point.state.offsets.size());
    point.quantizer->store(point.state, scales, offsets);
    std::copy(from, from + learned.values->size(), subject.kind == HT_LEARNED_SCALE ? scales.begin() : offsets.begin());
    PointState loaded;
    point.quantizer->load(loaded, scales, offsets);
    point.state.scales = std::move(loaded.scales);
    point.state.offsets = std::move(loaded.offsets);
    return;
  }
  std::copy(from, from + learned.values->size(), learned.values->begin());
}

}  // namespace halftone::trainer
