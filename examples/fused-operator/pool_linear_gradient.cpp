// The backward of PoolLinear: a trainer calls it where a pass trains through the operator.
#include "halftone/op_gradient.hpp"
#include "head.h"

namespace example {
namespace {

class PoolLinearGradient {
 public:
  // It reads x and w and not y; x, w and b have gradients.
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = sdk::slots(0, 1), .reads_outputs = 0, .differentiates = sdk::slots(0, 1, 2)};

  explicit PoolLinearGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    const Head head = Head::of(pass.input_shape(0), pass.input_shape(1));
    const auto w = pass.x(1), dy = pass.dy();
    std::vector<double> dw(w.size()), db(head.classes);
    for (std::size_t n = 0; n < head.samples; ++n) {
      const std::vector<double> means = head.pooled(pass.x(0), n);
      std::vector<double> dmeans(head.channels);
      for (std::size_t m = 0; m < head.classes; ++m) {
        const auto given = static_cast<double>(dy[n * head.classes + m]);
        db[m] += given;
        for (std::size_t c = 0; c < head.channels; ++c) {
          dmeans[c] += given * static_cast<double>(w[m * head.channels + c]);
          dw[m * head.channels + c] += given * means[c];
        }
      }
      if (!pass.wants(0)) continue;
      // Each pixel has its part of the mean.
      for (std::size_t i = 0; i < head.channels * head.pixels; ++i) {
        pass.dx(0)[n * head.channels * head.pixels + i] =
            static_cast<float>(dmeans[i / head.pixels] / static_cast<double>(head.pixels));
      }
    }
    if (pass.wants(1)) std::copy(dw.begin(), dw.end(), pass.dx(1).begin());
    if (pass.wants(2)) std::copy(db.begin(), db.end(), pass.dx(2).begin());
  }
};

class Gradients : public sdk::OpGradients {
 public:
  static void describe(sdk::Description &d) {
    d.id("fused-gradients")
        .title("gradients of fused operators")
        .capabilities(HT_CAP_GRAPH_READ)
        .threading(HT_THREADING_FREE)
        .doc("The derivatives of a mean over pixels and of a product, summed in float64.");
  }
  explicit Gradients(const sdk::Args &) {}
};

}  // namespace

HALFTONE_OP_GRADIENTS(Gradients)
HALFTONE_OP_GRADIENT_OF("com.example", PoolLinearGradient, "PoolLinear", 1, 1)

}  // namespace example
