// A platform applied to a model: which slots of a node are quantized, how, and why not.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/host/service/target_service.h"
#include "core/pipeline/data_flow.h"
#include "core/pipeline/fusions.h"
#include "core/pipeline/platform_descriptor.h"

namespace halftone::pipeline {

class Target final : public host::TargetService {
 public:
  // Called after the descriptor's rule was resolved: a platform plug-in with code of its own.
  using Refine = std::function<void(const host::WorkingModel &, model::Handle, host::NodeRule &)>;

  explicit Target(PlatformDescriptor descriptor, Refine refine = {})
      : descriptor_(std::move(descriptor)), refine_(std::move(refine)), fusions_(descriptor_) {}
  Target(const Target &) = delete;
  Target &operator=(const Target &) = delete;

  std::string_view platform() const override { return descriptor_.id; }
  void forget() override {
    flow_.reset();
    fusions_.forget();
  }
  // Null when there are none.
  Fusions *fusions() override { return descriptor_.fusions.empty() ? nullptr : &fusions_; }
  void node_rule(const host::WorkingModel &working, model::Handle node, host::NodeRule &out) override;
  std::uint32_t slot_role(const host::WorkingModel &working, model::Handle node, bool is_output,
                          std::uint32_t slot) override;
  std::string cost_unit() const override { return descriptor_.cost_unit; }
  host::NodeCost node_cost(const host::WorkingModel &working, model::Handle node, std::uint32_t form,
                           std::uint32_t weight_bits) override;
  const Setting *option(std::string_view dotted) const override { return descriptor_.option(dotted); }
  const PlatformDescriptor &descriptor() const { return descriptor_; }

 private:
  const DataFlow &flow(const model::Model &model);
  ResolvedRule rule_of(const model::Model &model, model::Handle handle, const FusionPlace *place,
                       const DataFlow &data) const;
  // Why a node stays in float, or empty; all nodes of a place are asked.
  std::string reason_of(const host::WorkingModel &working, model::Handle handle, const ResolvedRule &rule,
                        const DataFlow &data) const;
  std::string place_reason(const host::WorkingModel &working, model::Handle handle, const FusionPlace &place,
                           const DataFlow &data) const;
  PlatformDescriptor descriptor_;
  Refine refine_;
  Fusions fusions_;
  std::optional<DataFlow> flow_;
  const model::Model *flow_model_ = nullptr;
  std::uint64_t flow_revision_ = 0;
};

}  // namespace halftone::pipeline
