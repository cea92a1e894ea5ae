#include "session.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "batch.h"
#include "builder.h"
#include "halftone/execution.hpp"
#include "meeting.h"

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

}  // namespace

TrainingSession::TrainingSession(const sdk::Context &ctx, const ht_train_options &options)
    : losses_(options.losses, options.losses + options.loss_count),
      shards_(options.shards == 0 ? kDefaultShards : options.shards),
      seed_(options.seed),
      memory_(options.memory) {
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
  if (soft && batch.statistics_batch != 0) take_statistics(run, batch.statistics_batch);
  ht_train_result result{};
  result.struct_size = sizeof(result);
  result.loss = run.loss();
  result.rows = run.rows();
  return result;
}

// After the gradients, which belong to the statistics from before the batch.
void TrainingSession::take_statistics(const Batch &batch, std::uint32_t batches) {
  for (const auto &step : program_->steps) {
    const Meeting *meeting = step->meeting();
    if (meeting == nullptr) continue;
    meeting->take_statistics(batch.met()[step->number], batches);
    stale_ = true;
  }
}

// What is computed again depends on the shapes and on how many shards are kept at once; results do not depend on it.
const Segments &TrainingSession::segments_for(Batch &batch) {
  if (memory_ == 0) return whole_;
  const std::uint32_t workers = batch.workers();
  std::vector<bool> apart;
  for (const auto &fold : program_->folds) apart.push_back(fold->any_apart);
  const auto key = std::tuple(batch.rows(), workers, std::move(apart));
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
  for (const auto &step : program_->steps) {
    if (const Meeting *meeting = step->meeting()) meeting->collect(run.met()[step->number], *program_);
  }
  take_statistics(run, batch.statistics_batch);
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
    const bool has_rate = own.kind < update.rate_count && own.kind != HT_LEARNED_STATISTICS;
    const float rate = has_rate ? update.rates[own.kind] : 0.0F;
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

// Learned or not.
const std::vector<float> *TrainingSession::part_of_fold(const ht_train_subject &subject) const {
  for (const auto &fold : program_->folds) {
    if (fold->node != subject.handle) continue;
    if (subject.kind == HT_LEARNED_WEIGHT && subject.part == HT_FOLD_GAMMA) return &fold->gamma;
    if (subject.kind == HT_LEARNED_WEIGHT && subject.part == HT_FOLD_BETA) return &fold->beta;
    if (subject.kind == HT_LEARNED_STATISTICS && subject.part == HT_FOLD_MEAN) return &fold->mean;
    if (subject.kind == HT_LEARNED_STATISTICS && subject.part == HT_FOLD_VARIANCE) return &fold->variance;
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
    for (const auto &fold : program_->folds) fold->find_factors();
    for (const Parameter &p : program_->parameters) {
      if (p.handle == subject.handle && p.role != FoldRole::kWeightAsItIs) {
        return show(deployed(*program_, p), shape_of(*program_, p));
      }
    }
  }
  if (const std::vector<float> *part = part_of_fold(subject)) {
    return show(*part, {static_cast<std::int64_t>(part->size())});
  }
  const Learned &learned = find(subject);
  return show(*learned.values, learned.shape);
}

ht_tensor_view TrainingSession::gradient(const sdk::Context &, const ht_train_subject &subject) {
  const Learned &learned = find(subject);
  if (learned.kind == HT_LEARNED_STATISTICS) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "running statistics have no gradient", subject.handle);
  }
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
  const std::span<const float> given(from, learned.values->size());
  for (const Parameter &p : program_->parameters) {
    const bool own = subject.part == 0 && p.handle == subject.handle && p.weight >= 0;
    if (!own || p.fold < 0) continue;
    Fold &fold = fold_of(*program_, p);
    fold.find_factors();
    if (p.role == FoldRole::kWeight) return fold.unfold_weight(given, *learned.values);
    if (p.role == FoldRole::kBias) return fold.unfold_bias(given, *learned.values);
  }
  std::copy(given.begin(), given.end(), learned.values->begin());
}

}  // namespace halftone::trainer
