// Gradients of ScatterElements and ScatterND. Without a reduction, the update that was written last has the gradient;
// of equal maxima or minima each has the same part, as PyTorch's scatter_reduce() gives it.
#include <utility>

#include "indices.h"

namespace halftone::gradients {
namespace {

// `Writes`: see indices.h. kReduces: whether there is a reduction to ask for, which reads data.
template <typename Writes, bool kReduces>
class ScatterGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = kReduces ? sdk::slots(0, 1, 2) : sdk::slots(1),
                                            .reads_outputs = kReduces ? sdk::slots(0) : 0,
                                            .differentiates = sdk::slots(0, 2)};
  explicit ScatterGradient(const sdk::OpNode &node)
      : writes_(node), reduction_(kReduces ? node.text("reduction", "none") : "none") {
    if (reduction_ != "none" && reduction_ != "add" && reduction_ != "mul" && reduction_ != "max" &&
        reduction_ != "min") {
      throw sdk::Failure(HT_UNIMPLEMENTED, "reduction '" + reduction_ + "'");
    }
  }
  void backward(const sdk::Backward &pass) const {
    const auto dy = pass.dy();
    std::vector<double> data(dy.begin(), dy.end()),
        updates(static_cast<std::size_t>(count_of(pass.input_shape(2))), 0.0);
    std::vector<Write> writes;
    writes_.each(pass.input_shape(0), pass.input(1), [&](std::int64_t from, std::int64_t to) {
      writes.push_back({static_cast<std::size_t>(from), static_cast<std::size_t>(to)});
    });
    if (reduction_ == "none") overwrite(writes, data, updates);
    if (reduction_ == "add") {
      for (const Write &write : writes) updates[write.from] = data[write.to];
    }
    if (reduction_ == "mul") multiply(pass, writes, data, updates);
    if (reduction_ == "max" || reduction_ == "min") share(pass, writes, data, updates);
    store(pass, 0, data);
    store(pass, 2, updates);
  }

 private:
  struct Write {
    std::size_t from, to;
  };
  static void store(const sdk::Backward &pass, std::size_t slot, const std::vector<double> &values) {
    if (!pass.wants(slot)) return;
    std::ranges::transform(values, pass.dx(slot).begin(), [](double v) { return static_cast<float>(v); });
  }
  // Backwards: what was written last stands, and hides all before it.
  static void overwrite(const std::vector<Write> &writes, std::vector<double> &data, std::vector<double> &updates) {
    for (std::size_t i = writes.size(); i-- > 0;) updates[writes[i].from] = std::exchange(data[writes[i].to], 0.0);
  }
  // Each update by the product before it, then what is before it by the update.
  static void multiply(const sdk::Backward &pass, const std::vector<Write> &writes, std::vector<double> &data,
                       std::vector<double> &updates) {
    const auto start = pass.x(0), factors = pass.x(2);
    std::vector<double> products(start.begin(), start.end()), before;
    for (const Write &write : writes) {
      before.push_back(products[write.to]);
      products[write.to] *= static_cast<double>(factors[write.from]);
    }
    for (std::size_t i = writes.size(); i-- > 0;) {
      double &flow = data[writes[i].to];
      updates[writes[i].from] = flow * before[i];
      flow *= static_cast<double>(factors[writes[i].from]);
    }
  }
  static void share(const sdk::Backward &pass, const std::vector<Write> &writes, std::vector<double> &data,
                    std::vector<double> &updates) {
    const auto start = pass.x(0), offered = pass.x(2), best = pass.y();
    std::vector<double> sharers(data.size(), 0.0);
    for (std::size_t i = 0; i < data.size(); ++i) sharers[i] = start[i] == best[i] ? 1.0 : 0.0;
    for (const Write &write : writes) sharers[write.to] += offered[write.from] == best[write.to] ? 1.0 : 0.0;
    for (const Write &write : writes) {
      if (offered[write.from] == best[write.to]) updates[write.from] = data[write.to] / sharers[write.to];
    }
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = start[i] == best[i] ? data[i] / sharers[i] : 0.0;
  }
  Writes writes_;
  std::string reduction_;
};
using Scatter = ScatterGradient<ElementIndices, false>;
using ScatterElements = ScatterGradient<ElementIndices, true>;
using ScatterNd = ScatterGradient<TupleIndices, true>;

}  // namespace
HALFTONE_OP_GRADIENT(Scatter, "Scatter", 9, 10)
HALFTONE_OP_GRADIENT(ScatterElements, "ScatterElements", 11, kNewest)
HALFTONE_OP_GRADIENT(ScatterNd, "ScatterND", 11, kNewest)
}  // namespace halftone::gradients
