#include "core/pipeline/platform_code.h"

#include <doctest/doctest.h>

#include "core/base/error.h"
#include "halftone/platform.h"
#include "tests/unit/model/graph_maker.h"

using halftone::host::NodeRule;
using halftone::host::Registry;
using halftone::host::WorkingModel;
using halftone::model::Handle;
using halftone::model::Tensor;
using halftone::model::test::GraphMaker;

namespace {

constexpr const char *kDescriptor = R"(
halftone-platform: 1
id: coded
types: {activation: {observer: mse, observer_parameters: {clip_weight: 0.5}}, weight: {bits: 6}}
operators: [{types: [Conv, Relu]}]
)";

// What the next call of refine does.
enum class Deed { kNothing, kWiden, kLeaveInFloat, kNameObserver, kLieAboutBits, kLieAboutRole, kFail };
Deed deed = Deed::kNothing;

ht_str text(const char *s) {
  return {s, std::string_view(s).size()};
}

ht_status HT_CALL refine(void *, ht_ctx *, ht_handle, ht_node_rule *rule, ht_slot_rule *inputs, ht_slot_rule *outputs) {
  if (rule->inputs != inputs || rule->outputs != outputs) return HT_INTERNAL;
  switch (deed) {
    case Deed::kWiden:
      inputs[1].spec.bits = 8;
      inputs[1].spec.quant_min = -128;
      inputs[1].spec.quant_max = 127;
      return HT_OK;
    case Deed::kLeaveInFloat:
      rule->quantized = 0;
      rule->reason = text("the code says so");
      return HT_OK;
    case Deed::kNameObserver:
      outputs[0].observer = text("percentile");
      return HT_OK;
    case Deed::kLieAboutBits:
      inputs[1].spec.bits = 99;
      return HT_OK;
    case Deed::kLieAboutRole:
      inputs[1].role = 17;
      return HT_OK;
    case Deed::kFail:
      return HT_UNIMPLEMENTED;
    default:
      return HT_OK;
  }
}

ht_status HT_CALL create(const ht_host *, ht_ctx *, const ht_value *, std::uint64_t, void **instance) {
  *instance = &deed;
  return HT_OK;
}
void HT_CALL destroy(void *) {}

struct Bench {
  ht_platform table{sizeof(ht_platform), 0, kDescriptor, &refine};
  ht_role role{sizeof(ht_role), 0, HT_PLATFORM_1, &table};
  const ht_role *roles = &role;
  ht_component component{};
  const ht_component *components = &component;
  ht_plugin plugin{sizeof(ht_plugin), HT_ABI_MAJOR, HT_ABI_MINOR, HT_ABI_MINOR, "test", "1", "none", "", &components, 1,
                   nullptr,           nullptr};
  Registry registry;
  GraphMaker made;
  Handle conv = HT_NONE;

  explicit Bench(std::uint64_t capabilities = HT_CAP_GRAPH_READ) {
    component.struct_size = sizeof(component);
    component.kind = HT_KIND_PLATFORM;
    component.determinism = HT_DETERMINISM_EXACT;
    component.threading = HT_THREADING_INSTANCE;
    component.capabilities = capabilities;
    component.id = "coded";
    component.version = "1";
    component.title = "a platform with code";
    component.doc = "";
    component.roles = &roles;
    component.role_count = 1;
    component.create = &create;
    component.destroy = &destroy;
    registry.add(&plugin, {});
    made.input("x", {1, 2, 8, 8});
    made.constant("w", Tensor(HT_F32, {4, 2, 1, 1}));
    conv = made.node("Conv", {"x", "w"}, {"y"}, "c");
    made.output("y");
  }
  NodeRule rule(Deed next) {
    deed = next;
    halftone::pipeline::Target target(halftone::pipeline::parse_platform(kDescriptor, "coded.yaml"),
                                      halftone::pipeline::refine_of(registry, "coded"));
    NodeRule out;
    target.node_rule(WorkingModel{made.model, {}, {}, {}}, conv, out);
    return out;
  }
  std::string refusal(Deed next) {
    try {
      (void)rule(next);
    } catch (const halftone::Error &error) {
      return error.message() + (error.notes().empty() ? "" : " | " + error.notes().back());
    }
    return {};
  }
};

}  // namespace

TEST_CASE("the code of a platform changes what the descriptor says, and nothing else") {
  Bench b;
  const NodeRule plain = b.rule(Deed::kNothing);
  CHECK(plain.quantized);
  CHECK(plain.inputs[1].spec.bits == 6);
  CHECK(plain.outputs[0].observer_parameters.at("clip_weight") == "0.5");
  const NodeRule wide = b.rule(Deed::kWiden);
  CHECK(wide.inputs[1].spec.bits == 8);
  CHECK(wide.inputs[0].spec.bits == plain.inputs[0].spec.bits);
  const NodeRule observed = b.rule(Deed::kNameObserver);
  CHECK(observed.outputs[0].observer == "percentile");
  CHECK(observed.outputs[0].observer_parameters.empty());
  CHECK(observed.inputs[0].observer == "mse");
}

TEST_CASE("the code of a platform leaves a node in float, with its reason in each slot") {
  Bench b;
  const NodeRule rule = b.rule(Deed::kLeaveInFloat);
  CHECK_FALSE(rule.quantized);
  CHECK(rule.reason == "the code says so");
  CHECK(rule.inputs[1].role == HT_SLOT_NONE);
  CHECK(rule.outputs[0].reason == "the code says so");
}

TEST_CASE("what the code of a platform does wrong is told with its name and the node's") {
  Bench b;
  const std::string note = " | while platform 'coded' refined its rule of node 'c'";
  CHECK(b.refusal(Deed::kLieAboutRole) == "17 is no role of a slot" + note);
  CHECK(b.refusal(Deed::kLieAboutBits).ends_with(note));
  CHECK(b.refusal(Deed::kFail).ends_with(note));
  Bench editor(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT);
  CHECK(editor.refusal(Deed::kNothing) ==
        "platform 'coded' declares that it edits models or writes files; a platform only says what its device can do");
}

TEST_CASE("a platform without code has none") {
  Bench b;
  CHECK_FALSE(halftone::pipeline::refine_of(b.registry, "another"));
  b.table.refine = nullptr;
  CHECK_FALSE(halftone::pipeline::refine_of(b.registry, "coded"));
}
