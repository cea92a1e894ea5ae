// How weights and inputs would be quantized with the widths of a table.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "halftone/trial.hpp"
#include "sensitivity_table.h"
#include "weighted_operators.h"

namespace halftone::passes {

// Quantizers of one config by width. Configs that see no element have none.
using Quantizers = std::map<std::pair<ht_handle, std::uint32_t>, sdk::TrialSlot>;

// Each operator with the candidates, their errors still 0. A width that an override has chosen is the only one.
std::vector<Sensitivity> candidate_rows(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators,
                                        const std::vector<Width> &candidates);

// Of the weights of `rows`, which belong to `operators`. Those of the platform's width keep their own observer, as they
// will in the run; `observer` finds the ranges of others, empty: the observer of each. Configs are as before.
Quantizers weight_quantizers(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators,
                             const std::vector<Sensitivity> &rows, const std::string &observer);
// Of the inputs, from the data, by their own observers.
Quantizers input_quantizers(const sdk::Context &ctx, const std::vector<WeightedOperator> &operators,
                            const std::vector<Sensitivity> &rows);

}  // namespace halftone::passes
