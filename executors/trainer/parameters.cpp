#include "parameters.h"

#include "halftone/execution.hpp"

namespace halftone::trainer {

const Shape &shape_of(const Program &program, const Parameter &p) {
  return p.weight >= 0 ? program.weights[static_cast<std::size_t>(p.weight)]->shape : p.stored.shape;
}
const float *source_of(const Program &program, const Parameter &p) {
  return p.weight >= 0 ? program.weights[static_cast<std::size_t>(p.weight)]->values.data() : p.stored.floats();
}

std::vector<float> folded_source(const Program &program, const Parameter &p) {
  const std::span source{source_of(program, p), count_of(shape_of(program, p))};
  if (p.role == FoldRole::kWeight) return fold_of(program, p).folded_weight(source);
  if (p.role == FoldRole::kBias) return fold_of(program, p).folded_bias(source);
  return {source.begin(), source.end()};
}

namespace {

Point &point_of(const Program &program, const Parameter &p) {
  return *program.points[static_cast<std::size_t>(p.quant->point)];
}

Draw draw_of(const Parameter &p, const ParameterTerms &terms) {
  Draw draw;
  draw.seed = terms.seed;
  draw.step = terms.step;
  draw.point = static_cast<std::uint64_t>(p.quant->point);
  return draw;
}

bool is_folded(const Parameter &p) {
  return p.role == FoldRole::kWeight || p.role == FoldRole::kBias;
}

// While learning by the batch, a layer's bias is what quantization adds to it: the rest has no effect.
bool is_excess(const Program &program, const Parameter &p, bool soft) {
  return soft && p.role == FoldRole::kBias && fold_of(program, p).by_batch;
}

void refresh(Program &program, Parameter &p, bool soft, const ParameterTerms &terms) {
  const Shape &shape = shape_of(program, p);
  const std::vector<float> folded = is_folded(p) ? folded_source(program, p) : std::vector<float>();
  const float *from = is_folded(p) ? folded.data() : source_of(program, p);
  if (p.seen.empty()) p.seen = make_tensor(program.pool, HT_F32, shape);
  float *to = p.seen.floats();
  if (p.quant && p.quant->quantizer != nullptr) {
    const Point &point = point_of(program, p);
    p.quant->quantizer->forward(point.state, grouping_of(*p.quant, shape, point), from, to, draw_of(p, terms), soft);
  } else {
    std::copy(from, from + count_of(shape), to);
  }
  if (is_excess(program, p, soft)) {
    for (std::size_t i = 0; i < folded.size(); ++i) to[i] -= folded[i];
  }
  if (p.role == FoldRole::kWeight) {
    fold_of(program, p).find_apart({source_of(program, p), folded.size()}, {to, folded.size()});
  }
  ++p.version;
}

// What one parameter's gradient means; independent of others, so that threads share the work.
struct Found {
  std::vector<float> weight;
  std::vector<double> gamma, beta;  // of a fold
  std::vector<double> scales, offsets;
  std::vector<float> rounding;
  double penalty = 0;
};

std::vector<float> sum_of_shards(const Parameter &p, const std::vector<ShardRun> &runs, std::size_t count) {
  std::vector<float> sum(count);
  for (const ShardRun &run : runs) {
    const Tensor &part = run.gradient[static_cast<std::size_t>(p.value)];
    if (part.empty()) continue;
    const float *from = part.floats();
    for (std::size_t i = 0; i < count; ++i) sum[i] += from[i];
  }
  return sum;
}

// weight * mean of (W - seen)^2: what flows into `seen` is returned in `seen_gradient`, into W in `own`.
double add_quantization_loss(const Parameter &p, const float *w, float weight, std::vector<float> &seen_gradient,
                             std::vector<float> &own) {
  const float *seen = p.seen.floats();
  const std::size_t n = seen_gradient.size();
  const float factor = 2.0F * weight / static_cast<float>(n);
  own.resize(n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const float off = w[i] - seen[i];
    sum += double{off} * double{off};
    seen_gradient[i] -= factor * off;
    own[i] = factor * off;
  }
  return double{weight} * sum / static_cast<double>(n);
}

// From what the quantizer is given to what is held.
void unfold(const Program &program, const Parameter &p, Found &found) {
  if (!is_folded(p)) return;
  const Fold &fold = fold_of(program, p);
  found.gamma.resize(fold.count());
  const std::span source{source_of(program, p), found.weight.size()};
  if (p.role == FoldRole::kWeight) return fold.unfold_weight_gradient(source, found.weight, found.gamma);
  found.beta.resize(fold.count());
  fold.unfold_bias_gradient(source, found.weight, found.gamma, found.beta);
}

Found find_gradients(const Program &program, const Parameter &p, const std::vector<ShardRun> &runs,
                     const ParameterTerms &terms) {
  const Shape &shape = shape_of(program, p);
  Found found;
  std::vector<float> seen = sum_of_shards(p, runs, count_of(shape));
  if (!p.quant || p.quant->quantizer == nullptr) {
    found.weight = std::move(seen);
    unfold(program, p, found);
    return found;
  }
  const Point &point = point_of(program, p);
  const std::vector<float> folded = is_folded(p) ? folded_source(program, p) : std::vector<float>();
  const float *w = is_folded(p) ? folded.data() : source_of(program, p);
  const bool flows = p.weight >= 0 || is_folded(p);  // into what the quantizer is given
  std::vector<float> own;
  if (terms.quantization_weight != 0 && p.weight >= 0 && !seen.empty()) {
    found.penalty += add_quantization_loss(p, w, terms.quantization_weight, seen, own);
  }
  const auto learns = [&](std::uint32_t kind) { return (p.quant->learned >> kind & 1U) != 0; };
  if (learns(HT_LEARNED_SCALE)) found.scales.resize(point.state.scales.size());
  if (learns(HT_LEARNED_OFFSET)) found.offsets.resize(point.state.offsets.size());
  if (learns(HT_LEARNED_ROUNDING)) found.rounding.resize(point.state.rounding.size());
  const PointGradients to{found.scales.empty() ? nullptr : found.scales.data(),
                          found.offsets.empty() ? nullptr : found.offsets.data(),
                          found.rounding.empty() ? nullptr : found.rounding.data()};
  const Grouping groups = grouping_of(*p.quant, shape, point);
  if (flows) found.weight.resize(seen.size());
  p.quant->quantizer->backward(point.state, groups, w, seen.data(), flows ? found.weight.data() : nullptr, to,
                               draw_of(p, terms));
  if (is_excess(program, p, true)) {
    for (std::size_t i = 0; i < seen.size(); ++i) found.weight[i] -= seen[i];
  }
  for (std::size_t i = 0; i < own.size(); ++i) found.weight[i] += own[i];
  const double factor = p.quant->quantizer->gradient_factor(groups.size() / std::max<std::size_t>(groups.groups, 1));
  for (double &x : found.scales) x *= factor;
  for (double &x : found.offsets) x *= factor;
  unfold(program, p, found);
  return found;
}

template <typename T>
void add_to(Program &program, int learned, const std::vector<T> &from) {
  if (learned < 0 || from.empty()) return;
  std::vector<float> &to = program.learned[static_cast<std::size_t>(learned)].gradient;
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += static_cast<float>(from[i]);
}

// Penalties of methods, once for each point.
double regularize(Program &program, const ParameterTerms &terms) {
  double sum = 0;
  for (const auto &point : program.points) {
    if (point->quantizer == nullptr || point->learns == 0) continue;
    std::vector<double> scales(point->state.scales.size()), offsets(point->state.offsets.size());
    std::vector<float> rounding(point->state.rounding.size());
    sum += point->quantizer->regularize(point->state, terms.rounding,
                                        {scales.data(), offsets.data(), rounding.empty() ? nullptr : rounding.data()});
    add_to(program, point->scales, scales);
    add_to(program, point->offsets, offsets);
    add_to(program, point->rounding, rounding);
  }
  return sum;
}

}  // namespace

void refresh_parameters(const sdk::Context &ctx, Program &program, bool soft, const ParameterTerms &terms) {
  for (const auto &fold : program.folds) fold->find_factors();
  sdk::for_each_piece(ctx, program.parameters.size(), 0, [&](const sdk::Context &, std::uint32_t, std::uint64_t i) {
    refresh(program, program.parameters[i], soft, terms);
  });
}

double collect_gradients(const sdk::Context &ctx, Program &program, std::vector<ShardRun> &runs,
                         const ParameterTerms &terms) {
  std::vector<Found> found(program.parameters.size());
  sdk::for_each_piece(ctx, found.size(), 0, [&](const sdk::Context &, std::uint32_t, std::uint64_t i) {
    const Parameter &p = program.parameters[i];
    if (p.gradient) found[i] = find_gradients(program, p, runs, terms);
  });
  double penalty = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Parameter &p = program.parameters[i];
    if (!p.gradient) continue;
    penalty += found[i].penalty;
    if (p.weight >= 0) {
      add_to(program, program.weights[static_cast<std::size_t>(p.weight)]->learned, found[i].weight);
    }
    if (is_folded(p)) {
      add_to(program, fold_of(program, p).gamma_learned, found[i].gamma);
      add_to(program, fold_of(program, p).beta_learned, found[i].beta);
    }
    if (!p.quant) continue;
    const Point &point = point_of(program, p);
    add_to(program, point.scales, found[i].scales);
    add_to(program, point.offsets, found[i].offsets);
    add_to(program, point.rounding, found[i].rounding);
  }
  for (std::size_t i = 0; i < program.points.size(); ++i) {
    std::vector<double> scales, offsets;
    for (const ShardRun &run : runs) {
      const PointSums &part = run.sums[i];
      scales.resize(std::max(scales.size(), part.scales.size()));
      offsets.resize(std::max(offsets.size(), part.offsets.size()));
      for (std::size_t k = 0; k < part.scales.size(); ++k) scales[k] += part.scales[k];
      for (std::size_t k = 0; k < part.offsets.size(); ++k) offsets[k] += part.offsets[k];
    }
    add_to(program, program.points[i]->scales, scales);
    add_to(program, program.points[i]->offsets, offsets);
  }
  return penalty + regularize(program, terms);
}

std::vector<float> deployed(const Program &program, const Parameter &p) {
  const Shape &shape = shape_of(program, p);
  std::vector<float> to = folded_source(program, p);
  if (p.quant && p.quant->quantizer != nullptr) {
    const Point &point = point_of(program, p);
    p.quant->quantizer->deploy(point.state, grouping_of(*p.quant, shape, point), to.data(), to.data());
  }
  return to;
}

}  // namespace halftone::trainer
