// What the kernel asks the run's platform: the rule of a node, and options of the descriptor. core/pipeline implements
// it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/setting.h"
#include "core/host/context.h"
#include "core/host/service/fusion_service.h"
#include "halftone/target.h"

namespace halftone::host {

struct SlotRule {
  std::uint32_t role = HT_SLOT_NONE;
  ht_quant_spec spec{};
  std::string observer;
  std::map<std::string, std::string> observer_parameters;
  std::string reason;  // why the slot stays in float
};

struct NodeRule {
  bool quantized = false;
  bool passive = false;
  bool computing = false;
  std::string reason;                     // why the node stays in float
  std::vector<SlotRule> inputs, outputs;  // one for each slot of the node
};

// What a node costs, in the unit of the platform.
struct NodeCost {
  bool known = false;  // false: no hint, or a shape that is not known
  double cost = 0;     // of one sample
  double products = 0, elements = 0;
};

class TargetService {
 public:
  virtual ~TargetService() = default;
  virtual std::string_view platform() const = 0;
  // Called before each pass: what was remembered of another working copy no longer counts.
  virtual void forget() {}
  // Replaces what `out` held.
  virtual void node_rule(const WorkingModel &model, model::Handle node, NodeRule &out) = 0;
  // What ONNX says that a slot carries: HT_SLOT_*.
  virtual std::uint32_t slot_role(const WorkingModel &model, model::Handle node, bool is_output,
                                  std::uint32_t slot) = 0;
  // Empty when the platform gives no costs.
  virtual std::string cost_unit() const = 0;
  // `form`: HT_COST_*; `weight_bits` 0: as the platform has it.
  virtual NodeCost node_cost(const WorkingModel &model, model::Handle node, std::uint32_t form,
                             std::uint32_t weight_bits) = 0;
  // Null when the descriptor does not say. Lives as long as the service.
  virtual const Setting *option(std::string_view dotted) const = 0;
  // Null when the run declares none.
  virtual FusionService *fusions() { return nullptr; }
};

// The platform of a call's run; fails where it has none.
TargetService &target_of(ht_ctx *ctx);

}  // namespace halftone::host
