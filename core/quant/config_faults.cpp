#include <cmath>

#include "core/base/error.h"
#include "core/quant/config.h"

namespace halftone::quant {
namespace {

bool is_power_of_two(float x) {
  int exponent = 0;
  return std::frexp(x, &exponent) == 0.5F;
}

// What is wrong with the node or slot that a config sits on; empty when nothing is.
std::string place_fault(const SlotKey &key, const model::Model &model) {
  if (model::handle_kind(key.node) != model::HandleKind::kNode || !model.alive(key.node)) {
    return "the node does not exist any more";
  }
  const model::Node &node = model.node(key.node);
  const std::size_t slots = (key.is_output ? node.outputs : node.inputs).size();
  if (key.slot >= slots) return fmt::format("the node has {} {}s only", slots, key.is_output ? "output" : "input");
  return {};
}

class FaultFinder {
 public:
  FaultFinder(const ConfigTable &table, const model::Model &model) : table_(table), model_(model) {}

  std::vector<std::string> run() {
    for (const Handle handle : table_.all()) examine(handle);
    return std::move(faults_);
  }

 private:
  void examine(Handle handle) {
    const Config &config = table_.get(handle);
    where_ = describe(config.key, model_);
    if (const std::string fault = place_fault(config.key, model_); !fault.empty()) return say(fault);
    const bool baked = config.state == State::kBaked || config.state == State::kPassiveBaked;
    if (!is_live(config.state) && !baked) return;
    const Config &source = table_.get(table_.source(handle));
    if (source.scales.empty()) {
      if (config.spec.dynamic == 0) say(fmt::format("it is {} and has no scale", state_name(config.state)));
      return;
    }
    const bool integer = config.spec.kind == HT_QUANT_INTEGER;
    if (integer != (source.spec.kind == HT_QUANT_INTEGER)) {
      say("it shares a scale between float8 and integers");
    }
    if (config.spec.granularity == HT_PER_TENSOR && source.scales.size() != 1) {
      say(fmt::format("it is per-tensor and reads {} scales", source.scales.size()));
    }
    examine_entries(config, source);
  }

  // The first bad entry of each sort is enough to act on.
  void examine_entries(const Config &config, const Config &source) {
    bool bad_scale = false, bad_form = false, bad_zero = source.zero_points.size() != source.scales.size();
    if (bad_zero) say(fmt::format("{} scales and {} zero points", source.scales.size(), source.zero_points.size()));
    for (std::size_t i = 0; i < source.scales.size(); ++i) {
      const float scale = source.scales[i];
      if (!bad_scale && (!(scale > 0) || std::isinf(scale))) {
        say(fmt::format("scale {} of entry {} is not finite and positive", scale, i));
        bad_scale = true;
      }
      if (!bad_form && !bad_scale && config.spec.scale_form == HT_SCALE_POWER_OF_TWO && !is_power_of_two(scale)) {
        say(fmt::format("scale {} of entry {} is not a power of two", scale, i));
        bad_form = true;
      }
      if (bad_zero || config.spec.kind != HT_QUANT_INTEGER) continue;
      if (source.zero_points[i] < config.spec.quant_min || source.zero_points[i] > config.spec.quant_max) {
        say(fmt::format("zero point {} of entry {} is outside [{}, {}]", source.zero_points[i], i,
                        config.spec.quant_min, config.spec.quant_max));
        bad_zero = true;
      }
    }
  }

  void say(const std::string &fault) { faults_.push_back(where_ + ": " + fault); }

  const ConfigTable &table_;
  const model::Model &model_;
  std::string where_;
  std::vector<std::string> faults_;
};

}  // namespace

std::string describe(const SlotKey &key, const model::Model &model) {
  const std::string slot = fmt::format("{} {}", key.is_output ? "output" : "input", key.slot);
  if (model::handle_kind(key.node) != model::HandleKind::kNode || !model.alive(key.node)) {
    return fmt::format("{} of removed node #{}", slot, model::handle_index(key.node));
  }
  const model::Node &node = model.node(key.node);
  return fmt::format("{} of {} '{}'", slot, node.op_type, node.name);
}

std::vector<std::string> find_faults(const ConfigTable &table, const model::Model &model) {
  return FaultFinder(table, model).run();
}

}  // namespace halftone::quant
