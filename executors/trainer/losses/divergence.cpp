// Distillation (Hinton, Vinyals and Dean 2015): the divergence of the student's softened classes from the teacher's,
// times the squared temperature, so that gradients keep their size; they are temperature * (q - p).
#include "kinds.h"
#include "softmax.h"

namespace halftone::trainer {

double divergence_loss(ClassLayout layout, double temperature, double scale, const float *output, const float *target,
                       float *gradient) {
  std::vector<double> log_q(layout.classes), log_p(layout.classes);
  double sum = 0;
  for (std::size_t at = 0; at < layout.positions(); ++at) {
    const std::size_t base = at / layout.inner * layout.classes * layout.inner + at % layout.inner;
    log_softmax(output + base, layout.inner, temperature, log_q);
    log_softmax(target + base, layout.inner, temperature, log_p);
    for (std::size_t c = 0; c < layout.classes; ++c) {
      const double p = std::exp(log_p[c]);
      if (p > 0) sum += p * (log_p[c] - log_q[c]);
      if (gradient == nullptr) continue;
      const double slope = temperature * (std::exp(log_q[c]) - p);
      gradient[base + c * layout.inner] += static_cast<float>(scale * slope);
    }
  }
  return scale * temperature * temperature * sum;
}

}  // namespace halftone::trainer
