#include "learning_plan.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <unordered_set>

#include "../chosen_blocks.h"
#include "../learned_kinds.h"
#include "../learned_values.h"
#include "method_fit.h"

namespace halftone::passes {
namespace {

bool is_any_of(const sdk::Node &node, std::span<const std::string_view> types) {
  return node.domain().empty() && std::ranges::find(types, node.op_type()) != types.end();
}

// Whether the slot holds a weight of the operator, quantized or not.
bool is_weight_slot(const sdk::Node &node, std::uint32_t slot) {
  static constexpr std::array<std::string_view, 4> kProducts = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
  return slot <= 1 && is_any_of(node, kProducts);
}

bool is_bias_slot(const sdk::Node &node, std::uint32_t slot) {
  static constexpr std::array<std::string_view, 3> kLayers = {"Conv", "ConvTranspose", "Gemm"};
  static constexpr std::array<std::string_view, 4> kOperands = {"Add", "Sub", "Mul", "Div"};
  static constexpr std::array<std::string_view, 3> kNorms = {"BatchNormalization", "InstanceNormalization",
                                                             "LayerNormalization"};
  if (is_any_of(node, kLayers)) return slot == 2;
  if (is_any_of(node, kNorms)) return slot == 1 || slot == 2;
  return is_any_of(node, kOperands);
}

class Planner {
 public:
  Planner(const sdk::Context &ctx, const NetworkPart &part, const NetworkRecipe &recipe)
      : graph_(ctx), configs_(ctx), users_(ctx), recipe_(recipe), inside_(part.nodes.begin(), part.nodes.end()) {
    find_chosen(part);
  }

  LearningPlan plan(const NetworkPart &part) {
    for (const ht_handle handle : part.nodes) {
      const sdk::Node node = graph_.node(handle);
      for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) visit(node, slot);
      for (std::uint32_t slot = 0; slot < node.outputs().size(); ++slot) {
        add_point(node, configs_.output(handle, slot), HT_NONE);
      }
    }
    return std::move(plan_);
  }

 private:
  void find_chosen(const NetworkPart &part) {
    std::vector<bool> used(recipe_.layers.size(), false);
    for (const ht_handle handle : part.nodes) {
      bool named = used.empty();
      for (std::size_t i = 0; i < used.size(); ++i) {
        if (!matches(graph_.node(handle).name(), recipe_.layers[i])) continue;
        used[i] = named = true;
      }
      if (named) chosen_.insert(handle);
    }
    const auto idle = std::ranges::find(used, false);
    if (idle == used.end()) return;
    throw sdk::Failure(
        HT_INVALID_ARGUMENT,
        "`layers` names '" + recipe_.layers[static_cast<std::size_t>(idle - used.begin())] +
            "', and no operator of the part that is trained is called so; `halftone inspect` lists nodes");
  }

  void visit(const sdk::Node &node, std::uint32_t slot) {
    const ht_handle value = node.input(slot);
    if (value == HT_NONE) return;
    const ht_handle config = configs_.input(node.handle, slot);
    if (!graph_.value(value).is_initializer()) return add_point(node, config, HT_NONE);
    const auto stored = graph_.initializer(value);
    if (!stored || stored->dtype != HT_F32 || sdk::count_of(*stored) == 0) return;
    add_point(node, config, value);
    if (learns_value(node, slot, value, config) && learned_.insert(value).second) plan_.learned.push_back(value);
  }

  bool learns_value(const sdk::Node &node, std::uint32_t slot, ht_handle value, ht_handle config) const {
    if (!chosen_.contains(node.handle) || !is_ours(value) || by_rounding_.contains(value)) return false;
    const std::uint32_t state = configs_.state(config);
    if (state == HT_STATE_BAKED || state == HT_STATE_PASSIVE_BAKED) return false;
    if (is_bias_slot(node, slot)) return recipe_.learns.biases;
    return recipe_.learns.weights && (is_weight_slot(node, slot) || state == HT_STATE_ACTIVATED);
  }

  // Nobody but operators of the part reads it, and callers of the model cannot replace it.
  bool is_ours(ht_handle value) const {
    const sdk::Value found = graph_.value(value);
    if (found.is_input() || found.is_output()) return false;
    for (const ht_use &use : graph_.consumers(value)) {
      if (!inside_.contains(use.node)) return false;
    }
    return true;
  }

  // `weight`: the initializer that is quantized here, or none.
  void add_point(const sdk::Node &node, ht_handle config, ht_handle weight) {
    if (config == HT_NONE) return;
    const ht_config_info info = configs_.info(config);
    if (!is_live(info.state)) return;
    const ht_handle owner = ScaleUsers::owner_of(configs_, info);
    const ht_config_info own = configs_.info(owner);
    if (own.state != HT_STATE_ACTIVATED || own.spec.dynamic != 0 || own.scale_count == 0) return;
    if (!seen_.insert(owner).second) return;
    const bool chosen = chosen_.contains(node.handle);
    const MethodFit fit = fit_of(owner, own.spec, weight, chosen);
    LearningPlan::Point point{owner, std::string(fit.method), fit.learns, weight != HT_NONE};
    const bool rounds = point.method == "adaround" || point.method == "dorefa";
    // A scale that something outside reads stays.
    const bool moves = recipe_.learns.scales && chosen && users_.only_in(owner, inside_);
    if (!moves) point.learns &= kLearnsRounding;
    if (!recipe_.learns.offsets) point.learns &= ~kLearnsOffset;
    if (point.method == "fixed" || (!moves && !rounds && point.method != "qdrop")) return;
    if (point.method == "adaround") {
      plan_.rounded.push_back(weight);
      by_rounding_.insert(weight);
    }
    plan_.points.push_back(std::move(point));
  }

  // Methods that store a weight as they round it are for weights that are learned and that one slot reads.
  MethodFit fit_of(ht_handle owner, const ht_quant_spec &spec, ht_handle weight, bool chosen) {
    const std::string &asked = weight == HT_NONE ? recipe_.activations.method : recipe_.weights.method;
    const bool stored_so = weight != HT_NONE && chosen && recipe_.learns.weights && is_ours(weight) &&
                           graph_.value(weight).info.consumer_count == 1;
    const MethodFit fit = fit_method(asked, spec, weight != HT_NONE && !stored_so, users_.one_alone(owner));
    if (fit.method != asked) ++plan_.not_for;
    return fit;
  }

  const sdk::Graph graph_;
  const sdk::Configs configs_;
  const ScaleUsers users_;
  const NetworkRecipe &recipe_;
  const std::unordered_set<ht_handle> inside_;
  std::unordered_set<ht_handle> chosen_, seen_, learned_, by_rounding_;
  LearningPlan plan_;
};

// A parameter of a method as the user wrote it.
struct MethodParameters {
  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::pair<std::string, std::string>> texts;

  explicit MethodParameters(const FakeQuantizerChoice &choice) {
    for (const auto &[name, text] : choice.parameters) {
      char *end = nullptr;
      const double number = std::strtod(text.c_str(), &end);
      if (text == "true" || text == "false") {
        numbers.emplace_back(name, text == "true" ? 1 : 0);
      } else if (!text.empty() && *end == '\0') {
        numbers.emplace_back(name, number);
      } else {
        texts.emplace_back(name, text);
      }
    }
  }
};

}  // namespace

Learnables LearningPlan::touched() const {
  Learnables all;
  for (const auto *list : {&learned, &rounded}) {
    for (const ht_handle value : *list) all.operands.push_back({value, HT_NONE});
  }
  for (const Point &point : points) all.activations.push_back(point.config);
  return all;
}

LearningPlan plan_learning(const sdk::Context &ctx, const NetworkPart &part, const NetworkRecipe &recipe) {
  return Planner(ctx, part, recipe).plan(part);
}

void declare(const LearningPlan &plan, const NetworkRecipe &recipe, sdk::TrainingSetup &setup) {
  setup.weights = plan.learned;
  const MethodParameters weights(recipe.weights), activations(recipe.activations);
  for (const LearningPlan::Point &point : plan.points) {
    const bool asked = point.method == (point.weight ? recipe.weights.method : recipe.activations.method);
    const MethodParameters &given = point.weight ? weights : activations;
    if (asked) {
      setup.quantizer(point.config, point.method, point.learns, given.numbers, given.texts);
    } else {
      setup.quantizer(point.config, point.method, point.learns);
    }
  }
}

void write_network(const sdk::Context &ctx, const sdk::TrainingSession &session, const LearningPlan &plan,
                   const std::string &rule) {
  for (const auto *list : {&plan.learned, &plan.rounded}) {
    for (const ht_handle value : *list) store_learned_tensor(ctx, session, value);
  }
  for (const LearningPlan::Point &point : plan.points) store_learned_scales(ctx, session, point.config, rule);
}

}  // namespace halftone::passes
