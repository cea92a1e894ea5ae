#include "core/pipeline/platform_code.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/host/instance.h"
#include "core/quant/arithmetic.h"
#include "halftone/platform.h"

namespace halftone::pipeline {
namespace {

ht_str view(const std::string &text) {
  return {text.data(), text.size()};
}
std::string text(const ht_str &s) {
  return s.data == nullptr ? std::string() : std::string(s.data, static_cast<std::size_t>(s.size));
}

std::vector<ht_slot_rule> lend(const std::vector<host::SlotRule> &slots) {
  std::vector<ht_slot_rule> out;
  for (const host::SlotRule &slot : slots) {
    ht_slot_rule rule{};
    rule.struct_size = sizeof(rule);
    rule.role = slot.role;
    rule.spec = slot.spec;
    rule.observer = view(slot.observer);
    rule.reason = view(slot.reason);
    out.push_back(rule);
  }
  return out;
}

void check_slot(const ht_slot_rule &slot) {
  if (slot.role > HT_SLOT_BOUND) fail(Status::kInvalidArgument, "{} is no role of a slot", slot.role);
  if (slot.role != HT_SLOT_NONE) quant::check_spec(slot.spec);
}

// An observer that the plug-in names is one without parameters; that of the descriptor keeps its own.
void take_back(const std::vector<ht_slot_rule> &lent, std::vector<host::SlotRule> &slots) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    slots[i].role = lent[i].role;
    slots[i].spec = lent[i].spec;
    slots[i].reason = text(lent[i].reason);
    std::string observer = text(lent[i].observer);
    if (observer == slots[i].observer) continue;
    slots[i].observer = std::move(observer);
    slots[i].observer_parameters.clear();
  }
}

// Like a node that the descriptor leaves in float.
void leave_in_float(host::NodeRule &rule) {
  host::SlotRule untouched;
  untouched.reason = rule.reason;
  rule.inputs.assign(rule.inputs.size(), untouched);
  rule.outputs.assign(rule.outputs.size(), untouched);
  rule.passive = rule.computing = false;
}

class PlatformCode {
 public:
  explicit PlatformCode(const host::Component &component)
      : ctx_(std::make_unique<host::Context>()), instance_(component, nullptr, *ctx_) {
    ctx_->component = component.id();
  }

  void refine(const host::WorkingModel &working, model::Handle node, host::NodeRule &rule) {
    host::Context ctx;
    ctx.working = const_cast<host::WorkingModel *>(&working);  // a platform has no capability to edit it
    ctx.component = ctx_->component;
    std::vector<ht_slot_rule> inputs = lend(rule.inputs), outputs = lend(rule.outputs);
    ht_node_rule lent{};
    lent.struct_size = sizeof(lent);
    lent.quantized = rule.quantized ? 1 : 0;
    lent.passive = rule.passive ? 1 : 0;
    lent.computing = rule.computing ? 1 : 0;
    lent.reason = view(rule.reason);
    lent.inputs = inputs.data();
    lent.input_count = inputs.size();
    lent.outputs = outputs.data();
    lent.output_count = outputs.size();
    const auto &role = instance_.role<ht_platform>(HT_PLATFORM_1);
    try {
      host::call_component(
          ctx, [&] { return role.refine(instance_.raw(), &ctx, node, &lent, inputs.data(), outputs.data()); });
      for (const auto *slots : {&inputs, &outputs}) std::ranges::for_each(*slots, check_slot);
    } catch (Error &error) {
      error.note("while platform '" + ctx_->component + "' refined its rule of node '" + working.model.node(node).name +
                 "'");
      throw;
    }
    std::string reason = text(lent.reason);
    take_back(inputs, rule.inputs);
    take_back(outputs, rule.outputs);
    const bool was_quantized = std::exchange(rule.quantized, lent.quantized != 0);
    rule.passive = lent.passive != 0;
    rule.computing = lent.computing != 0;
    rule.reason = std::move(reason);
    if (was_quantized && !rule.quantized) leave_in_float(rule);
  }

 private:
  std::unique_ptr<host::Context> ctx_;
  host::Instance instance_;
};

}  // namespace

Target::Refine refine_of(const host::Registry &registry, const std::string &platform) {
  const host::Component *component = registry.find(HT_KIND_PLATFORM, platform);
  if (component == nullptr) return {};
  const auto *role = static_cast<const ht_platform *>(component->role(HT_PLATFORM_1));
  if (!HT_HAS(role, ht_platform, refine) || role->refine == nullptr) return {};
  const ht_component &d = *component->description;
  constexpr std::uint64_t kEdits = HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_EDIT | HT_CAP_FILE_WRITE;
  if ((d.capabilities & kEdits) != 0) {
    fail(Status::kPermissionDenied,
         "platform '{}' declares that it edits models or writes files; a platform only says what its device can do",
         platform);
  }
  auto code = std::make_shared<PlatformCode>(*component);
  return [code](const host::WorkingModel &working, model::Handle node, host::NodeRule &rule) {
    code->refine(working, node, rule);
  };
}

}  // namespace halftone::pipeline
