// |difference|^exponent; exponent 2 is the squared error. The sum over axis 1 and the mean over rows and positions that
// BRECQ's loss is defined by come to one sum over all elements.
#include <cmath>

#include "kinds.h"

namespace halftone::trainer {
namespace {

constexpr std::size_t kPartial = 16;  // element i is added to partial sum i % 16

double total(const double (&partial)[kPartial]) {
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum;
}

double squared_loss(std::size_t count, double scale, const float *output, const float *target, float *gradient) {
  double partial[kPartial] = {};
  const double slope = 2 * scale;
  std::size_t i = 0;
  for (; i + kPartial <= count; i += kPartial) {
    for (std::size_t k = 0; k < kPartial; ++k) {
      const double off = static_cast<double>(output[i + k]) - static_cast<double>(target[i + k]);
      partial[k] += off * off;
    }
    if (gradient == nullptr) continue;
    for (std::size_t k = 0; k < kPartial; ++k) {
      const double off = static_cast<double>(output[i + k]) - static_cast<double>(target[i + k]);
      gradient[i + k] += static_cast<float>(slope * off);
    }
  }
  for (std::size_t k = 0; i + k < count; ++k) {
    const double off = static_cast<double>(output[i + k]) - static_cast<double>(target[i + k]);
    partial[k] += off * off;
    if (gradient != nullptr) gradient[i + k] += static_cast<float>(slope * off);
  }
  return scale * total(partial);
}

}  // namespace

double power_loss(std::size_t count, double exponent, double scale, const float *output, const float *target,
                  float *gradient) {
  if (exponent == 2) return squared_loss(count, scale, output, target, gradient);
  double partial[kPartial] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const double off = static_cast<double>(output[i]) - static_cast<double>(target[i]), size = std::fabs(off);
    if (size == 0) continue;  // adds nothing; exponent 1 has slope 0 there
    const double lower = std::pow(size, exponent - 1);
    partial[i % kPartial] += lower * size;
    if (gradient != nullptr) gradient[i] += static_cast<float>(std::copysign(scale * exponent * lower, off));
  }
  return scale * total(partial);
}

}  // namespace halftone::trainer
