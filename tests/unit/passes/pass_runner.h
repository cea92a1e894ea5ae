// Runs single passes of the built plug-ins on a model in memory, with a platform in YAML and ranges that the test
// names.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host/context.h"
#include "core/host/kernel_index.h"
#include "core/host/service/calibration_service.h"
#include "core/pipeline/target.h"

namespace halftone::test {

// "Statistics" that are only a range for each value.
class GivenRanges final : public host::CalibrationService {
 public:
  std::map<std::string, std::pair<float, float>> ranges;
  std::map<std::string, std::vector<double>> channel_means;  // as of one element in each channel
  std::set<std::string> empty;                               // values that no sample gives an element
  std::vector<std::string> collected;                        // names of the values that the last collect() asked for

  std::uint32_t wants(host::Context &ctx, model::Handle config, std::string_view observer) override;
  void collect(host::Context &ctx, std::span<const ht_statistics_request> requests,
               const ht_collect_options &options) override;
  void observe_all(host::Context &ctx, std::span<const model::Handle> configs, std::string_view observer,
                   const ht_collect_options &options) override;
  const ht_statistics *statistics(host::Context &ctx, model::Handle value) override;
  const ht_statistics *measure(host::Context &ctx, const ht_tensor_view &tensor, std::uint32_t wants,
                               std::uint32_t channel_axis) override;
  void render(host::Context &ctx, model::Handle config, const ht_statistics &statistics,
              std::string_view observer) override;
  std::vector<std::uint32_t> render_all(host::Context &ctx, std::span<const model::Handle> configs,
                                        std::string_view observer) override;

 private:
  ht_statistics current_{};
  std::vector<float> low_, high_;
};

class PassRunner {
 public:
  explicit PassRunner(model::Model model, std::string_view platform = {});
  // Throws what the pass reports, and fails the test when the verifier finds a fault.
  void run(std::string_view pass, std::string_view settings = {});
  // Samples of the only input, `shape` without the batch, for passes that run the model.
  void feed(const std::vector<std::int64_t> &shape, const std::vector<std::vector<float>> &samples,
            std::uint32_t threads);
  // The text of a row of the last pass's report; empty when there is none.
  std::string row(std::string_view key) const;

  model::Handle node(std::string_view name) const;
  model::Handle input(std::string_view node_name, std::uint32_t slot) const;
  model::Handle output(std::string_view node_name, std::uint32_t slot = 0) const;
  std::string state(model::Handle config) const;  // "none" where the slot has no config
  float scale(model::Handle config) const;        // as read through root and master
  model::Tensor initializer(std::string_view name) const;

  host::WorkingModel working;
  GivenRanges ranges;
  host::CalibrationService *calibration = &ranges;  // that passes get

 private:
  struct Data;
  std::unique_ptr<pipeline::Target> target_;
  std::shared_ptr<Data> data_;
  std::optional<host::WorkingModel> calibrated_;  // as a run keeps it for comparisons
  std::vector<std::pair<std::string, std::string>> rows_;
};

}  // namespace halftone::test
