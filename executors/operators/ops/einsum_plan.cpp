#include "ops/einsum_plan.h"

#include <algorithm>
#include <map>

namespace halftone::reference {

EinsumEquation::EinsumEquation(const sdk::OpNode &node) {
  std::string text = node.text("equation", "");
  std::erase(text, ' ');
  const std::size_t arrow = text.find("->");
  explicit_output_ = arrow != std::string::npos;
  if (explicit_output_) output_ = text.substr(arrow + 2);
  text = text.substr(0, arrow);
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    terms_.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (terms_.size() != node.input_count()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "the equation has " + std::to_string(terms_.size()) + " terms for " +
                                                std::to_string(node.input_count()) + " inputs");
  }
  if (std::ranges::count(text + output_, '.') % 3 != 0) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "the equation has a dot that is no part of '...'");
  }
}

namespace {

// Axes by name; those of an ellipsis have the names '0', '1', ... from the last backwards.
using Term = std::string;

Term expanded(const Term &term, std::size_t dots) {
  const std::size_t at = term.find("...");
  if (at == std::string::npos) return term;
  Term names;
  for (std::size_t i = dots; i-- > 0;) names += static_cast<char>('0' + i);
  return term.substr(0, at) + names + term.substr(at + 3);
}

// The ellipsis, then the names that occur once, in alphabetical order.
Term implied(const std::vector<Term> &terms, std::size_t dots) {
  std::map<char, int> uses;
  for (const Term &term : terms) {
    for (const char name : term) ++uses[name];
  }
  Term out = expanded("...", dots);
  for (const auto &[name, count] : uses) {
    if (count == 1 && !(name >= '0' && name <= '9')) out += name;
  }
  return out;
}
Shape strides_along(const Term &order, const Term &term, const ht_tensor_view &x) {
  const Shape own = strides_of(shape_of(x));
  Shape out(order.size(), 0);
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (x.shape[i] != 1) out[order.find(term[i])] += own[i];
  }
  return out;
}

}  // namespace

EinsumPlan EinsumEquation::plan(sdk::KernelInputs inputs) const {
  std::vector<Term> terms;
  std::map<char, std::int64_t> extents;
  std::size_t most_dots = 0;
  for (std::size_t k = 0; k < terms_.size(); ++k) {
    const bool dotted = terms_[k].find("...") != std::string::npos;
    const std::size_t named = terms_[k].size() - (dotted ? 3 : 0);
    if (inputs[k].rank < named || (!dotted && inputs[k].rank != named)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the term '" + terms_[k] + "' does not fit an input of " +
                                                  std::to_string(inputs[k].rank) + " axes");
    }
    most_dots = std::max(most_dots, inputs[k].rank - named);
    terms.push_back(expanded(terms_[k], inputs[k].rank - named));
    for (std::size_t i = 0; i < terms[k].size(); ++i) {
      std::int64_t &extent = extents.emplace(terms[k][i], 1).first->second;
      if (extent == 1) extent = inputs[k].shape[i];
      if (inputs[k].shape[i] != extent && inputs[k].shape[i] != 1) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, std::string("axis '") + terms[k][i] + "' has different extents");
      }
    }
  }
  Term order = explicit_output_ ? expanded(output_, most_dots) : implied(terms, most_dots);
  EinsumPlan plan;
  plan.kept = order.size();
  for (const char name : order) {
    if (std::ranges::count(order, name) > 1) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, std::string("axis '") + name + "' is twice in the output");
    }
  }
  for (const auto &[name, extent] : extents) {
    if (order.find(name) == std::string::npos) order += name;
  }
  for (const char name : order) {
    if (!extents.contains(name)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, std::string("axis '") + name + "' of the output is in no input");
    }
    plan.extents.push_back(extents.at(name));
  }
  for (std::size_t k = 0; k < terms.size(); ++k) plan.strides.push_back(strides_along(order, terms[k], inputs[k]));
  return plan;
}

}  // namespace halftone::reference
