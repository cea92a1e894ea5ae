#include "core/pipeline/fusion_losses.h"

#include <algorithm>
#include <unordered_set>

#include <fmt/core.h>

#include "core/base/error.h"
#include "core/pattern/expression.h"

namespace halftone::pipeline {
namespace {

using pattern::Operation;
using pattern::Pattern;
using pattern::Term;

// What the nodes of the place are now: the float form, or the operator that runs in its place.
const Pattern &form_of(const model::Model &model, const FusionSpec &fusion, const FusionPlace &place) {
  if (!fusion.fused || place.nodes.size() != 1) return fusion.pattern;
  const model::Node &root = model.node(place.root(model));
  const pattern::OperatorType &type = fusion.fused->operations.front().types.front();
  return root.domain == type.domain && root.op_type == type.type ? *fusion.fused : fusion.pattern;
}

class Losses {
 public:
  Losses(const model::Model &model, const FusionSpec &fusion, const FusionPlace &place, const Folding &folding)
      : model_(model), fusion_(fusion), place_(place), folding_(folding), form_(form_of(model, fusion, place)) {}

  void require_none() const {
    for (std::size_t at = 0; at < form_.operations.size(); ++at) {
      if (is_alive(at) && pattern::is_folded_norm(form_, at)) refuse_norm(at);
    }
    for (const std::string &name : pattern::carried_names(form_)) require_read(name);
    for (std::size_t at = 0; at < form_.operations.size(); ++at) {
      if (is_alive(at)) {
        require_inputs(at);
      } else {
        require_numbers(at);
      }
    }
  }

 private:
  bool is_alive(std::size_t at) const { return at < place_.nodes.size() && model_.alive(place_.nodes[at]); }

  [[noreturn]] void refuse(const std::string &what, const std::string &remedy) const {
    fail(Status::kFailedPrecondition, "the fusion '{}' puts another form into the place of {}, which would lose {}; {}",
         fusion_.name, shown(model_.node(place_.root(model_))), what, remedy);
  }

  // A parameter of a node that the model does not store, or HT_NONE.
  Handle computed(const model::Node &node) const {
    for (std::size_t slot = 1; slot < node.inputs.size(); ++slot) {
      const Handle value = node.inputs[slot];
      if (value != HT_NONE && !model_.value(value).initializer) return value;
    }
    return HT_NONE;
  }

  // Whether constant-folding would store the value.
  bool is_of_constants(Handle value) const {
    std::vector<Handle> open = {value};
    std::unordered_set<Handle> seen(open.begin(), open.end());
    while (!open.empty()) {
      const model::Value &next = model_.value(open.back());
      open.pop_back();
      if (next.initializer) continue;
      if (next.producer == HT_NONE) return false;
      const model::Node &node = model_.node(next.producer);
      if (node.inputs.empty() && node.op_type != "Constant") return false;
      for (const Handle input : node.inputs) {
        if (input != HT_NONE && seen.insert(input).second) open.push_back(input);
      }
    }
    return true;
  }

  // Of a normalization that is still there or of what was put there for it.
  std::string norm_remedy(std::size_t at) const {
    Handle found = is_alive(at) ? computed(model_.node(place_.nodes[at])) : HT_NONE;
    const std::size_t layer = form_.operations[at].inputs[0].index;
    if (found == HT_NONE && is_alive(layer)) found = computed(model_.node(place_.nodes[layer]));
    if (found != HT_NONE) {
      return fmt::format("fold-batch-norm takes stored parameters, and '{}' is computed: {}", model_.value(found).name,
                         is_of_constants(found) ? "put constant-folding before fuse-operators and fold-batch-norm"
                                                : "leave the normalization out of the pattern");
    }
    if (folding_.is_done) {
      return is_alive(at) ? "fold-batch-norm could not fold it: leave the normalization out of the pattern"
                          : "put fold-batch-norm before the pass that put it there, or leave the normalization out of "
                            "the pattern";
    }
    return folding_.runs_here
               ? "the order is fuse-operators with `stage: find`, fold-batch-norm, fuse-operators with `stage: replace`"
               : "put fold-batch-norm between fuse-operators and this pass";
  }

  [[noreturn]] void refuse_norm(std::size_t at) const {
    refuse(shown(model_.node(place_.nodes[at])) + " inside, as it is not folded", norm_remedy(at));
  }

  // The nodes whose results may stand for that of an operation: its own, or where a pass took that away those before.
  std::vector<Handle> makers(std::size_t at) const {
    if (is_alive(at)) return {place_.nodes[at]};
    std::vector<Handle> all;
    for (const Term &term : form_.operations[at].inputs) {
      if (term.kind != Term::Kind::kOperation) continue;
      const std::vector<Handle> before = makers(term.index);
      all.insert(all.end(), before.begin(), before.end());
    }
    return all;
  }

  bool is_outside(const FusionPlace::Slot &slot) const {
    const auto has = [&](const std::vector<FusionPlace::Slot> &slots) {
      return std::ranges::find(slots, slot) != slots.end();
    };
    return has(place_.inner) ||
           std::ranges::any_of(place_.inputs, [&](const auto &entry) { return has(entry.second); });
  }

  // A number of the pattern may be the output of a node too.
  bool is_number(std::size_t at, std::uint32_t slot) const {
    const model::Node &node = model_.node(place_.nodes[at]);
    const std::vector<Term> &terms = form_.operations[at].inputs;
    const auto is = [](const Term &term) { return term.kind == Term::Kind::kNumber; };
    const bool wanted = pattern::is_commutative(node.domain, node.op_type) ? std::ranges::any_of(terms, is)
                                                                           : slot < terms.size() && is(terms[slot]);
    const model::Value &value = model_.value(node.inputs[slot]);
    const bool given =
        value.producer == HT_NONE ? value.initializer.has_value() : model_.node(value.producer).op_type == "Constant";
    return wanted && given;
  }

  // The operations whose results a slot may read.
  std::vector<std::size_t> operations_at(std::size_t at, std::uint32_t slot) const {
    const Operation &operation = form_.operations[at];
    const model::Node &node = model_.node(place_.nodes[at]);
    const bool any_order = pattern::is_commutative(node.domain, node.op_type);
    std::vector<std::size_t> found;
    for (std::uint32_t i = 0; i < operation.inputs.size(); ++i) {
      const bool here = any_order || i == slot;
      if (here && operation.inputs[i].kind == Term::Kind::kOperation) found.push_back(operation.inputs[i].index);
    }
    return found;
  }

  void require_inputs(std::size_t at) const {
    const model::Node &node = model_.node(place_.nodes[at]);
    for (std::uint32_t slot = 0; slot < node.inputs.size(); ++slot) {
      const Handle value = node.inputs[slot];
      if (value == HT_NONE || is_outside({at, slot}) || is_number(at, slot)) continue;
      const std::vector<std::size_t> wanted = operations_at(at, slot);
      if (wanted.empty()) refuse_input(node, slot);
      const auto gives = [&](std::size_t operation) { return is_result(value, operation); };
      if (std::ranges::none_of(wanted, gives)) refuse_stranger(value, wanted);
    }
  }

  // What an operation of constants computes may have been computed already.
  bool is_result(Handle value, std::size_t operation) const {
    const Handle producer = model_.value(value).producer;
    const std::vector<Handle> all = makers(operation);
    if (producer == HT_NONE) return all.empty() && model_.value(value).initializer;
    return std::ranges::find(all, producer) != all.end();
  }

  // A node that was taken away had a number of the pattern. It changed nothing, or was computed already, or else
  // another node has the number now.
  void require_numbers(std::size_t at) const {
    const Operation &operation = form_.operations[at];
    const auto is_number_term = [](const Term &term) { return term.kind == Term::Kind::kNumber; };
    const auto changes_nothing = [](const pattern::OperatorType &type) {
      return type.type == "Dropout" || type.type == "Pad" || type.type == "Identity";
    };
    const std::vector<Handle> before = makers(at);
    if (std::ranges::none_of(operation.inputs, is_number_term) || pattern::is_folded_norm(form_, at) ||
        before.empty() || std::ranges::all_of(operation.types, changes_nothing))
      return;
    refuse(fmt::format("{} of a number inside, as {} has the number now", operation.types.front().type,
                       shown(model_.node(before.front()))),
           "put the pass that took it away before the fuse-operators that finds places");
  }

  [[noreturn]] void refuse_input(const model::Node &node, std::uint32_t slot) const {
    refuse(fmt::format("input {} of {} inside, '{}', for which the pattern has no name", slot, shown(node),
                       model_.value(node.inputs[slot]).name),
           "name it, as an input that may be absent: b?");
  }

  [[noreturn]] void refuse_stranger(Handle value, const std::vector<std::size_t> &wanted) const {
    const Handle producer = model_.value(value).producer;
    const std::string what =
        producer == HT_NONE ? fmt::format("'{}'", model_.value(value).name) : shown(model_.node(producer));
    for (const std::size_t at : wanted) {
      if (!is_alive(at) && pattern::is_folded_norm(form_, at))
        refuse(what + " inside, which stands for BatchNormalization that is not folded", norm_remedy(at));
    }
    refuse(what + " inside, which the pattern does not have",
           "put the pass that put it there before the fuse-operators that finds places");
  }

  // A node that was taken away may have gone into another one with all that it read.
  void require_read(const std::string &name) const {
    const auto found = place_.inputs.find(name);
    if (found == place_.inputs.end() || found->second.empty() || is_optional(name)) return;
    const auto gone = [&](const FusionPlace::Slot &slot) { return !is_alive(slot.node); };
    if (!std::ranges::all_of(found->second, gone)) return;
    refuse(fmt::format("what was computed of {} inside, as the operator that read it is gone", name),
           "put the pass that took it away before the fuse-operators that finds places");
  }

  bool is_optional(const std::string &name) const {
    return std::ranges::any_of(form_.operations, [&](const Operation &operation) {
      return std::ranges::any_of(operation.inputs, [&](const Term &term) {
        return term.kind == Term::Kind::kName && term.optional && form_.names[term.index] == name;
      });
    });
  }

  const model::Model &model_;
  const FusionSpec &fusion_;
  const FusionPlace &place_;
  const Folding folding_;
  const Pattern &form_;
};

}  // namespace

void require_nothing_lost(const model::Model &model, const FusionSpec &fusion, const FusionPlace &place,
                          const Folding &folding) {
  Losses(model, fusion, place, folding).require_none();
}

}  // namespace halftone::pipeline
