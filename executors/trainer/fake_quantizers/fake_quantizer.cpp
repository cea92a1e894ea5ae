#include "../fake_quantizer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "method.h"

namespace halftone::trainer {
namespace {

const auto &methods() {
  static const std::array all{&fixed_method(),    &power_of_two_method(), &lsq_method(), &lsq_plus_method(),
                              &pact_method(),     &dsq_method(),          &tqt_method(), &dorefa_method(),
                              &adaround_method(), &qdrop_method()};
  return all;
}

}  // namespace

void FakeQuantizer::load(PointState &state, std::span<const float> scales, std::span<const float> zero_points) const {
  state.scales.assign(scales.begin(), scales.end());
  state.offsets.assign(zero_points.begin(), zero_points.end());
  state.offsets.resize(state.scales.size(), 0.0F);
}

void FakeQuantizer::store(const PointState &state, std::span<float> scales, std::span<float> offsets) const {
  std::copy(state.scales.begin(), state.scales.end(), scales.begin());
  std::copy(state.offsets.begin(), state.offsets.end(), offsets.begin());
}

void FakeQuantizer::initialise(PointState &, std::span<const float>, Grouping) const {}

double FakeQuantizer::gradient_factor(std::size_t) const {
  return 1.0;
}

void FakeQuantizer::settle(PointState &) const {}

double FakeQuantizer::regularize(const PointState &, const Regularization &, PointGradients) const {
  return 0.0;
}

void FakeQuantizer::deploy(const PointState &, Grouping grouping, const float *x, float *w) const {
  if (w != x) std::copy_n(x, grouping.size(), w);
}

float settled_offset(float offset, const PointSpec &spec) {
  const auto least = static_cast<float>(spec.quant_min), most = static_cast<float>(spec.quant_max);
  return std::clamp(std::nearbyint(offset), least, most) + 0.0F;
}

std::unique_ptr<FakeQuantizer> make_fake_quantizer(const PointSpec &spec, std::string_view method,
                                                   std::span<const ht_field> parameters) {
  if (method.empty()) method = "fixed";
  std::string names;
  for (const Method *known : methods()) {
    if (known->name == method) {
      return known->make(spec, MethodArguments(method, known->parameters().schema(), parameters));
    }
    names += (names.empty() ? "" : ", ") + std::string(known->name);
  }
  throw sdk::Failure(HT_INVALID_ARGUMENT,
                     "there is no fake quantizer '" + std::string(method) + "'; choose one of: " + names);
}

std::span<const MethodDescription> fake_quantizer_methods() {
  static const std::vector<MethodDescription> rows = [] {
    std::vector<MethodDescription> out;
    for (const Method *m : methods()) out.push_back({m->name, m->title, m->doc, m->source, m->parameters().schema()});
    return out;
  }();
  return rows;
}

}  // namespace halftone::trainer
