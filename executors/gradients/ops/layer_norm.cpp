// Gradients of LayerNormalization and RMSNormalization over the axes from `axis` on, of com.microsoft's forms that add
// a skip connection and a bias first. What flows into the optional statistics (mean,
// inverse deviation) is refused.
#include "affine.h"

namespace halftone::gradients {
namespace {

void refuse_statistics(const sdk::Backward &pass) {
  for (const std::size_t slot : {1, 2}) {
    if (pass.arrives(slot)) throw sdk::Failure(HT_UNIMPLEMENTED, "a gradient of the statistics that it puts out");
  }
}

// Rows of the last axes normalized on their own. `row(r)` gives the values of one, `done(r, d)` takes their gradient.
struct LayerRows {
  ShapeSpan inner;
  std::int64_t rows, n;
  Shape scale_strides, shift_strides;
  double epsilon;
  bool centred;

  LayerRows(const sdk::Backward &pass, std::size_t axis, std::size_t scale_slot, std::size_t shift_slot, double small,
            bool about_mean)
      : inner(pass.input_shape(0).subspan(axis)),
        rows(count_of(pass.input_shape(0).first(axis))),
        n(count_of(inner)),
        scale_strides(strides(pass, scale_slot)),
        shift_strides(strides(pass, shift_slot)),
        epsilon(small),
        centred(about_mean) {}
  Shape strides(const sdk::Backward &pass, std::size_t slot) const {
    return pass.has_input(slot) ? broadcast_strides(pass.input_shape(slot), inner) : Shape(inner.size(), 0);
  }
  template <typename Row, typename Done>
  void backward(const sdk::Backward &pass, std::span<const float> scale, AffineSums &sums, Row row, Done done) const {
    const auto dy = pass.dy();
    for (std::int64_t r = 0; r < rows && n > 0; ++r) {
      const Normalized own(row(r), epsilon, centred);
      std::vector<double> d(static_cast<std::size_t>(n));
      for_each_element<3>(inner, {strides_of(inner), scale_strides, shift_strides}, [&](const auto &at) {
        const auto i = static_cast<std::size_t>(at[0]);
        const auto given = static_cast<double>(dy[static_cast<std::size_t>(r * n) + i]);
        sums.add(at[1], at[2], given, own.hat[i]);
        d[i] = given * (scale.empty() ? 1.0 : static_cast<double>(scale[static_cast<std::size_t>(at[1])]));
      });
      own.backward(d);
      done(r, d);
    }
    sums.store();
  }
};

template <bool kCentred>
class LayerNormalizationGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1),
                                            .differentiates = kCentred ? sdk::slots(0, 1, 2) : sdk::slots(0, 1)};
  explicit LayerNormalizationGradient(const sdk::OpNode &node)
      : axis_(node.integer("axis", -1)), epsilon_(node.number("epsilon", 1e-5f)) {}
  void backward(const sdk::Backward &pass) const {
    refuse_statistics(pass);
    const LayerRows rows(pass, axis_of(axis_, pass.input_shape(0).size()), 1, 2, epsilon_, kCentred);
    AffineSums sums(pass, 1, 2);
    const auto x = pass.x(0);
    const auto scale = pass.wants(0) && pass.has_input(1) ? pass.x(1) : std::span<const float>();
    rows.backward(
        pass, scale, sums,
        [&](std::int64_t r) { return std::vector<double>(x.begin() + r * rows.n, x.begin() + (r + 1) * rows.n); },
        [&](std::int64_t r, const std::vector<double> &d) {
          if (!pass.wants(0)) return;
          for (std::size_t i = 0; i < d.size(); ++i) {
            pass.dx(0)[static_cast<std::size_t>(r * rows.n) + i] = static_cast<float>(d[i]);
          }
        });
  }

 private:
  std::int64_t axis_;
  double epsilon_;
};

// Inputs: x, skip, gamma, then beta (with a mean only) and bias. The fourth output is the sum.
template <bool kCentred>
class SkipNormalizationGradient {
 public:
  static constexpr std::size_t kBias = kCentred ? 4 : 3;
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1, 2, kBias),
                                            .differentiates = sdk::slots(0, 1, 2, 3, kBias)};
  explicit SkipNormalizationGradient(const sdk::OpNode &node)
      : epsilon_(node.number("epsilon", kCentred ? 1e-12f : 1e-5f)) {}
  void backward(const sdk::Backward &pass) const {
    refuse_statistics(pass);
    const ShapeSpan shape = pass.input_shape(0);
    const std::size_t shift_slot = kCentred ? 3 : 99;
    const auto n = static_cast<std::size_t>(shape.back());
    std::vector<double> d = pass.arrives(3) ? std::vector<double>(pass.dy(3).begin(), pass.dy(3).end())
                                            : std::vector<double>(pass.x(0).size(), 0.0);
    AffineSums sums(pass, 2, shift_slot);
    if (pass.arrives(0)) {
      const LayerRows rows(pass, shape.size() - 1, 2, shift_slot, epsilon_, kCentred);
      const std::vector<double> values = added(pass);
      rows.backward(
          pass, pass.x(2), sums,
          [&](std::int64_t r) {
            const auto from = values.begin() + r * rows.n;
            return std::vector<double>(from, from + rows.n);
          },
          [&](std::int64_t r, const std::vector<double> &row) {
            for (std::size_t i = 0; i < row.size(); ++i) d[static_cast<std::size_t>(r) * n + i] += row[i];
          });
    }
    sums.store();
    for (const std::size_t slot : {std::size_t{0}, std::size_t{1}, kBias}) {
      if (!pass.wants(slot)) continue;
      Sums to(pass.dx(slot));
      for_each_element<2>(shape, {strides_of(shape), broadcast_strides(pass.input_shape(slot), shape)},
                          [&](const auto &at) { to[at[1]] += d[static_cast<std::size_t>(at[0])]; });
      to.store();
    }
  }

 private:
  static std::vector<double> added(const sdk::Backward &pass) {
    const ShapeSpan shape = pass.input_shape(0);
    const auto x = pass.x(0), skip = pass.x(1);
    const auto bias = pass.has_input(kBias) ? pass.x(kBias) : std::span<const float>();
    std::vector<double> out(x.begin(), x.end());
    for_each_element<2>(shape, {strides_of(shape), broadcast_strides(pass.input_shape(1), shape)}, [&](const auto &at) {
      const auto i = static_cast<std::size_t>(at[0]);
      out[i] += static_cast<double>(skip[static_cast<std::size_t>(at[1])]) +
                (bias.empty() ? 0.0 : static_cast<double>(bias[i % bias.size()]));
    });
    return out;
  }
  double epsilon_;
};

using LayerNormalization = LayerNormalizationGradient<true>;
using RmsNormalization = LayerNormalizationGradient<false>;
using SkipLayerNormalization = SkipNormalizationGradient<true>;
using SkipSimplifiedLayerNormalization = SkipNormalizationGradient<false>;

}  // namespace
HALFTONE_OP_GRADIENT(LayerNormalization, "LayerNormalization", 1, kNewest)
HALFTONE_OP_GRADIENT(RmsNormalization, "RMSNormalization", 23, kNewest)
HALFTONE_OP_GRADIENT(RmsNormalization, "SimplifiedLayerNormalization", 1, kNewest)
HALFTONE_OP_GRADIENT_OF("com.microsoft", SkipLayerNormalization, "SkipLayerNormalization", 1, 1)
HALFTONE_OP_GRADIENT_OF("com.microsoft", SkipSimplifiedLayerNormalization, "SkipSimplifiedLayerNormalization", 1, 1)
}  // namespace halftone::gradients
