#include "output_probe.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "halftone/trainer.h"
#include "random_signs.h"

namespace halftone::passes {
namespace {

// The classes of one position, `inner` apart.
struct Position {
  std::size_t first, classes, inner;
};

// S of a position is diag(p) - p p^T, and A = diag(sqrt p) - p sqrt(p)^T.
void probe_classes(std::span<const float> outputs, const Position &at, const RandomSigns &signs, double scale,
                   std::vector<double> &roots, std::span<float> targets) {
  double most = -INFINITY, sum = 0, along = 0;
  for (std::size_t c = 0; c < at.classes; ++c) {
    most = std::max(most, static_cast<double>(outputs[at.first + c * at.inner]));
  }
  for (std::size_t c = 0; c < at.classes; ++c) {
    roots[c] = std::exp(static_cast<double>(outputs[at.first + c * at.inner]) - most);
    sum += roots[c];
  }
  for (std::size_t c = 0; c < at.classes; ++c) {
    roots[c] = std::sqrt(roots[c] / sum);
    along += roots[c] * static_cast<double>(signs(at.first + c * at.inner));
  }
  for (std::size_t c = 0; c < at.classes; ++c) {
    const std::size_t i = at.first + c * at.inner;
    const double part = roots[c] * static_cast<double>(signs(i)) - roots[c] * roots[c] * along;
    targets[i] = static_cast<float>(static_cast<double>(outputs[i]) - scale * part);
  }
}

}  // namespace

void probe_outputs(std::uint32_t kind, std::uint64_t axes, std::span<const float> outputs,
                   std::span<const std::int64_t> shape, std::uint64_t key, std::span<float> targets) {
  const RandomSigns signs(key);
  const auto elements = static_cast<double>(outputs.size());
  if (kind == HT_LOSS_MSE) {
    const double scale = std::sqrt(elements / 2);  // elements / 2 * sqrt(2 / elements)
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      targets[i] = static_cast<float>(static_cast<double>(outputs[i]) + scale * static_cast<double>(signs(i)));
    }
    return;
  }
  const std::size_t axis = axes == 0 ? 1 : static_cast<std::size_t>(std::countr_zero(axes));
  std::size_t inner = 1;
  for (std::size_t k = axis + 1; k < shape.size(); ++k) inner *= static_cast<std::size_t>(shape[k]);
  const std::size_t classes = axis < shape.size() ? static_cast<std::size_t>(shape[axis]) : 1;
  if (classes == 0 || outputs.empty()) return;
  const double positions = elements / static_cast<double>(classes);
  std::vector<double> roots(classes);
  for (std::size_t o = 0; o < outputs.size() / (classes * inner); ++o) {
    for (std::size_t i = 0; i < inner; ++i) {
      probe_classes(outputs, {o * classes * inner + i, classes, inner}, signs, elements / 2 / std::sqrt(positions),
                    roots, targets);
    }
  }
}

}  // namespace halftone::passes
