// The fusions of a run and their places in its model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/host/service/fusion_service.h"
#include "core/host/service/target_service.h"
#include "core/pipeline/fusion_place.h"
#include "core/pipeline/fusion_spec.h"
#include "core/pipeline/target_slots.h"

namespace halftone::pipeline {

// Puts the forms under `deployed` into places.
inline constexpr std::string_view kDeployPass = "deploy-operators";

class Fusions final : public host::FusionService {
 public:
  explicit Fusions(const PlatformDescriptor &platform) : platform_(platform) {}

  std::vector<std::string> names() const override;
  std::vector<std::string> find(host::WorkingModel &working) override;
  std::vector<Handle> places(const host::WorkingModel &working, std::string_view name) override;
  std::vector<Handle> nodes(const host::WorkingModel &working, Handle root) override;
  Handle value(const host::WorkingModel &working, Handle root, std::string_view name) override;
  std::vector<Handle> pinned(const host::WorkingModel &working) override;
  std::vector<std::vector<Handle>> shares(const host::WorkingModel &working) override;
  std::vector<Handle> replace(host::WorkingModel &working, Handle root, std::uint32_t form) override;

  // What a report says of places in float, which a pass that deploys does not see; before it runs.
  std::vector<std::pair<std::string, std::string>> left_out(const host::WorkingModel &working, std::string_view pass);
  // Whether fold-batch-norm has run: what is not folded by then cannot be.
  void folded(bool is_done) { folded_ = is_done; }
  // What was remembered of another working copy no longer counts.
  void forget() { known_.reset(); }
  const FusionSpec &spec(const FusionPlace &place) const;
  // The places that are noted in the model.
  const std::vector<FusionPlace> &all(const model::Model &model);
  // The place that a node is part of; null for most.
  const FusionPlace *place_of(const model::Model &model, Handle node);

 private:
  struct Known {
    const model::Model *model = nullptr;
    std::uint64_t revision = 0;
    std::vector<FusionPlace> places;
    std::unordered_map<Handle, std::size_t> by_node;
  };
  const FusionPlace &required(const model::Model &model, Handle root);
  // Why a match is no place, or empty.
  std::string hindrance(const model::Model &model, const FusionSpec &fusion, const FusionPlace &place) const;

  const PlatformDescriptor &platform_;  // of the target that owns this
  std::optional<Known> known_;
  bool folded_ = false;
};

// The configs of a value around a place that a name of the pattern stands for: of its output where it is the output's.
std::vector<Handle> point_configs(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place,
                                  const std::string &name);

// What the slot of a node is by the pattern; null where the node's own operator says it.
const SlotOrigin *origin_at(const FusionPlace &place, Handle node, std::uint32_t slot);

// What the rules of a platform say of a node, changed to what holds inside a place. `mark_inner` says afterwards why
// the slots inside are in float.
void shape_rule(const model::Model &model, const FusionSpec &fusion, const FusionPlace &place, Handle node,
                ResolvedRule &rule);
void mark_inner(const model::Model &model, const FusionPlace &place, Handle node, host::NodeRule &out);

}  // namespace halftone::pipeline
