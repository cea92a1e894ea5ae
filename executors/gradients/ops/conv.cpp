// Gradients of Conv and ConvTranspose over any number of spatial axes, as plain loops.
#include "columns.h"
#include "ops/transposed_window.h"

namespace halftone::gradients {
namespace {

class ConvGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1, 2)};
  explicit ConvGradient(const sdk::OpNode &node) : attributes_(node), group_(node.integer("group", 1)) {
    if (group_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "group must be at least 1");
  }
  void backward(const sdk::Backward &pass) const {
    sum_channels(pass, 2);
    if (!pass.wants(0) && !pass.wants(1)) return;
    const ShapeSpan x = pass.input_shape(0), w = pass.input_shape(1);
    const Columns columns(reference::Window(attributes_, x.subspan(2), w.subspan(2)), x[0], group_, w[1],
                          w[0] / group_);
    if (pass.wants(0)) {
      Sums dx(pass.dx(0));
      columns.spread(pass.dy().data(), pass.x(1).data(), dx.data());
      dx.store();
    }
    if (pass.wants(1)) {
      Sums dw(pass.dx(1));
      columns.correlate(pass.x(0).data(), pass.dy().data(), dw.data());
      dw.store();
    }
  }

 private:
  reference::WindowAttributes attributes_;
  std::int64_t group_;
};

class ConvTransposeGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1, 2)};
  explicit ConvTransposeGradient(const sdk::OpNode &node) : attributes_(node) {}
  void backward(const sdk::Backward &pass) const {
    sum_channels(pass, 2);
    if (!pass.wants(0) && !pass.wants(1)) return;
    const ShapeSpan x = pass.input_shape(0), w = pass.input_shape(1);
    const Columns columns(attributes_.window(x, w), x[0], attributes_.group, w[1], x[1] / attributes_.group);
    if (pass.wants(0)) {
      Sums dx(pass.dx(0));
      columns.gather(pass.dy().data(), pass.x(1).data(), dx.data());
      dx.store();
    }
    if (pass.wants(1)) {
      Sums dw(pass.dx(1));
      columns.correlate(pass.dy().data(), pass.x(0).data(), dw.data());
      dw.store();
    }
  }

 private:
  reference::TransposedAttributes attributes_;
};

}  // namespace
HALFTONE_OP_GRADIENT(ConvGradient, "Conv", 1, kNewest)
HALFTONE_OP_GRADIENT(ConvTransposeGradient, "ConvTranspose", 1, kNewest)
}  // namespace halftone::gradients
