// Gradient of EmbedLayerNormalization of com.microsoft: by the three embeddings, gamma and beta.
#include "affine.h"
#include "indices.h"

namespace halftone::gradients {
namespace {

// Slots of its inputs: input_ids, segment_ids, word, position and segment embedding, gamma, beta, mask, position_ids.
class EmbedLayerNormalizationGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1, 2, 3, 4, 5, 8),
                                            .differentiates = sdk::slots(2, 3, 4, 5, 6)};
  explicit EmbedLayerNormalizationGradient(const sdk::OpNode &node) : epsilon_(node.number("epsilon", 1e-12f)) {}
  void backward(const sdk::Backward &pass) const {
    const auto n = static_cast<std::size_t>(pass.input_shape(2)[1]);
    const std::array<Shape, 3> indices = indices_of(pass);
    const std::size_t rows = indices[0].size();
    std::vector<double> d = pass.arrives(2) ? std::vector<double>(pass.dy(2).begin(), pass.dy(2).end())
                                            : std::vector<double>(rows * n, 0.0);
    AffineSums sums(pass, 5, 6);
    const auto gamma = pass.has_input(5) ? pass.x(5) : std::span<const float>();
    for (std::size_t r = 0; r < rows && pass.arrives(0); ++r) {
      const Normalized own(row(pass, indices, r, n), epsilon_, true);
      std::vector<double> g(n);
      for (std::size_t i = 0; i < n; ++i) {
        const auto given = static_cast<double>(pass.dy(0)[r * n + i]);
        sums.add(static_cast<std::int64_t>(i), static_cast<std::int64_t>(i), given, own.hat[i]);
        g[i] = given * (gamma.empty() ? 1.0 : static_cast<double>(gamma[i]));
      }
      own.backward(g);
      for (std::size_t i = 0; i < n; ++i) d[r * n + i] += g[i];
    }
    sums.store();
    for (std::size_t table = 0; table < 3; ++table) {
      if (!pass.wants(table + 2)) continue;
      Sums to(pass.dx(table + 2));
      for (std::size_t i = 0; i < d.size(); ++i) to[at(pass, indices, table, i / n, i % n, n)] += d[i];
      to.store();
    }
  }

 private:
  // Rows of the word, position and segment embedding for each step of each sample.
  static std::array<Shape, 3> indices_of(const sdk::Backward &pass) {
    const Shape words = integers_of(pass.input(0));
    Shape positions(words.size()), segments(words.size(), 0);
    const auto length = static_cast<std::size_t>(pass.input_shape(0)[1]);
    const Shape given = pass.has_input(8) ? integers_of(pass.input(8)) : Shape{};
    for (std::size_t i = 0; i < words.size(); ++i) {
      positions[i] = given.empty() ? static_cast<std::int64_t>(i % length) : given[i % given.size()];
    }
    if (pass.has_input(1)) segments = integers_of(pass.input(1));
    return {words, positions, segments};
  }
  static std::int64_t at(const sdk::Backward &pass, const std::array<Shape, 3> &indices, std::size_t table,
                         std::size_t row, std::size_t column, std::size_t n) {
    const std::int64_t index = checked_index(indices[table].at(row), pass.input_shape(table + 2)[0]);
    return index * static_cast<std::int64_t>(n) + static_cast<std::int64_t>(column);
  }
  static std::vector<double> row(const sdk::Backward &pass, const std::array<Shape, 3> &indices, std::size_t r,
                                 std::size_t n) {
    std::vector<double> out(n, 0.0);
    for (std::size_t table = 0; table < 3; ++table) {
      if (!pass.has_input(table + 2)) continue;
      const auto values = pass.x(table + 2);
      for (std::size_t i = 0; i < n; ++i) {
        out[i] += static_cast<double>(values[static_cast<std::size_t>(at(pass, indices, table, r, i, n))]);
      }
    }
    return out;
  }
  double epsilon_;
};

}  // namespace
HALFTONE_OP_GRADIENT_OF("com.microsoft", EmbedLayerNormalizationGradient, "EmbedLayerNormalization", 1, 1)
}  // namespace halftone::gradients
