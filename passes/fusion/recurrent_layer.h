// A GRU or LSTM node read for unrolling, and what both have in common when they are.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "halftone/pass.hpp"
#include "step_builder.h"

namespace halftone::passes {

struct RecurrentLayer {
  ht_handle node = HT_NONE, graph = HT_NONE, x = HT_NONE;
  std::string name;
  ht_dtype dtype = HT_F32;
  std::int64_t steps = 0, batch = -1, inputs = 0, hidden = 0, gates = 0;
  std::vector<bool> reversed;  // one entry for each direction
  sdk::StoredTensor weight, recurrence;
  std::optional<sdk::StoredTensor> bias, peephole;
  ht_handle initial_h = HT_NONE, initial_c = HT_NONE;
  ht_handle y = HT_NONE, y_h = HT_NONE, y_c = HT_NONE;  // HT_NONE where nothing reads them
};

// `gates` is 3 for GRU, 4 for LSTM. Nothing, and the reason, for a form that cannot be unrolled.
std::optional<RecurrentLayer> read_recurrent(const sdk::Graph &graph, ht_handle node, std::int64_t gates,
                                             std::int64_t most_steps, std::string &reason);

// Entries of one direction of W, R, B or P, laid out as [directions, rows, columns].
std::vector<double> rows_of(const sdk::StoredTensor &p, std::size_t direction, std::int64_t first, std::int64_t count,
                            std::int64_t columns);
// [rows, columns] to [columns, rows].
std::vector<double> turned(const std::vector<double> &data, std::int64_t rows, std::int64_t columns);

struct CellState {
  ht_handle h = HT_NONE, c = HT_NONE;
};

// One step: `input` is what X gives all gates at this time, [1, batch, gates * hidden].
using CellStep =
    std::function<CellState(const StepBuilder &, const std::string &what, ht_handle input, const CellState &state)>;
struct Cell {
  std::vector<double> input_bias;  // added to X's part, gates * hidden
  CellStep step;
};

// Replaces the node. `make` gives the cell of a direction and adds its constants.
void unroll(const sdk::Graph &graph, const sdk::GraphEdit &edit, const RecurrentLayer &layer,
            const std::function<Cell(const StepBuilder &, std::size_t direction)> &make);

// Runs over all nodes of a type: unrolls what can be and warns about the others.
void unroll_all(const sdk::Context &ctx, const char *op_type, std::int64_t gates, std::int64_t most_steps,
                const std::function<void(const sdk::Graph &, const sdk::GraphEdit &, const RecurrentLayer &)> &replace);

}  // namespace halftone::passes
