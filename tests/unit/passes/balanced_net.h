// Random nets with uneven channels, run before and after a pass on the reference executor.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/passes/pass_runner.h"
#include "tests/unit/reference/model_runner.h"

namespace halftone::test {

using Attributes = std::vector<std::pair<std::string, model::Attribute>>;

class BalancedNet {
 public:
  explicit BalancedNet(std::uint64_t seed = 1) : random_(seed) { model.set_opset("", 17); }

  model::Handle input(const model::Shape &shape);
  // Numbers of a normal distribution; those of each index of `uneven_axis` times another power of ten.
  model::Handle weight(const model::Shape &shape, int uneven_axis = -1);
  model::Handle scalar(float value);
  model::Handle integers(const std::vector<std::int64_t> &values);
  model::Handle node(const std::string &op, const std::vector<model::Handle> &inputs, const Attributes &attributes = {},
                     const std::string &name = {});
  // With a bias, 3x3 windows padded by 1 unless `size` is 1.
  model::Handle conv(model::Handle x, std::int64_t in, std::int64_t out, std::int64_t groups = 1, std::int64_t size = 1,
                     const std::string &name = {});
  void output(model::Handle value) { model.mark_output(value); }
  std::vector<model::Tensor> sample(std::uint64_t seed) const;

  model::Model model;

 private:
  std::mt19937_64 random_;
  std::vector<model::Shape> inputs_;
  int count_ = 0;
};

// Statistics per channel of values, from random samples on the reference executor.
class SampledRanges final : public host::CalibrationService {
 public:
  explicit SampledRanges(std::vector<std::vector<model::Tensor>> samples) : samples_(std::move(samples)) {}
  std::size_t passes = 0;  // over the data

  std::uint32_t wants(host::Context &, model::Handle, std::string_view) override { return 0; }
  void collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
               const ht_collect_options &options) override;
  const ht_statistics *statistics(host::Context &ctx, model::Handle value) override;
  const ht_statistics *measure(host::Context &, const ht_tensor_view &, std::uint32_t, std::uint32_t) override;
  void render(host::Context &, model::Handle, const ht_statistics &, std::string_view) override {}
  void observe_all(host::Context &, std::span<const model::Handle>, std::string_view,
                   const ht_collect_options &) override {}
  std::vector<std::uint32_t> render_all(host::Context &, std::span<const model::Handle>, std::string_view) override {
    return {};
  }

 private:
  struct Seen {
    std::vector<float> low, high;
    std::vector<double> sum, square_sum;
    std::vector<double> values;
    std::uint64_t elements = 0;
  };
  std::vector<std::vector<model::Tensor>> samples_;
  std::map<model::Handle, Seen> seen_;
  ht_statistics current_{};
  std::vector<double> edges_;
  std::vector<std::uint64_t> counts_;
};

// Outputs that changed by less than this are the same: what is exact on paper rounds.
constexpr double kSame = 1e-4;

// A net with its float outputs before any pass.
class Invariance {
 public:
  explicit Invariance(BalancedNet net, std::string_view platform = {});
  void run(std::string_view pass, std::string_view settings = {}) { runner.run(pass, settings); }
  // The largest change of an output, relative to the largest magnitude in it.
  double change();
  model::Tensor tensor(std::string_view node, std::size_t slot = 1) const;
  std::vector<float> weight(std::string_view node, std::size_t slot = 1) const {
    return tensor(node, slot).to_floats();
  }

  SampledRanges ranges;
  PassRunner runner;

 private:
  std::vector<std::vector<float>> outputs();
  std::vector<std::vector<model::Tensor>> samples_;
  std::vector<std::vector<float>> before_;
};

// Largest magnitude for each index of an axis.
std::vector<double> peaks(const model::Tensor &tensor, std::size_t axis);
// The largest over the smallest.
double spread(const std::vector<double> &values);

}  // namespace halftone::test
