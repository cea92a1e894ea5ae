#include "recurrent_layer.h"

#include <algorithm>

#include "constants.h"
#include "node_walk.h"

namespace halftone::passes {
namespace {

bool has_default_functions(const sdk::Graph &graph, ht_handle node, std::int64_t gates, std::size_t directions) {
  for (const char *name : {"activation_alpha", "activation_beta"}) {
    if (const auto a = graph.attribute(node, name); a && a->float_count > 0) return false;
  }
  const auto a = graph.attribute(node, "activations");
  if (!a || a->kind != HT_ATTR_STRINGS) return true;
  const std::vector<std::string> each =
      gates == 3 ? std::vector<std::string>{"Sigmoid", "Tanh"} : std::vector<std::string>{"Sigmoid", "Tanh", "Tanh"};
  if (a->strings.size != each.size() * directions) return false;
  for (std::size_t i = 0; i < a->strings.size; ++i) {
    if (sdk::view(a->strings.data[i]) != each[i % each.size()]) return false;
  }
  return true;
}

// What the operator's attributes ask for that unrolling does not do; empty when nothing.
std::string obstacle(const sdk::Graph &graph, const sdk::Node &node, std::int64_t gates, std::size_t directions) {
  if (graph.attribute(node.handle, "clip")) return "it clips";
  if (!has_default_functions(graph, node.handle, gates, directions)) return "it has activations of its own";
  if (graph.attribute_int(node.handle, "layout", 0) != 0) return "its layout is 1 (batch first)";
  if (graph.attribute_int(node.handle, "input_forget", 0) != 0) return "it couples input and forget gate";
  if (node.input(4) != HT_NONE) return "its sequences have lengths of their own (sequence_lens)";
  return {};
}

bool has_shape(const sdk::StoredTensor &p, const Extents &shape) {
  return p.shape == shape;
}

ht_handle if_read(const sdk::Graph &graph, ht_handle value) {
  if (value == HT_NONE) return HT_NONE;
  const sdk::Value v = graph.value(value);
  return v.info.consumer_count > 0 || v.is_output() ? value : HT_NONE;
}

// Reads the constants; false when one is computed in the graph or of another shape.
bool read_constants(const sdk::Graph &graph, const sdk::Node &node, RecurrentLayer &layer) {
  auto w = read_constant(graph, node.input(1)), r = read_constant(graph, node.input(2));
  if (!w || !r || w->shape.size() != 3 || r->shape.size() != 3) return false;
  const auto directions = static_cast<std::int64_t>(layer.reversed.size());
  layer.hidden = r->shape[2];
  layer.inputs = w->shape[2];
  const std::int64_t rows = layer.gates * layer.hidden;
  if (!has_shape(*w, {directions, rows, layer.inputs}) || !has_shape(*r, {directions, rows, layer.hidden}))
    return false;
  layer.dtype = w->dtype;
  layer.weight = std::move(*w);
  layer.recurrence = std::move(*r);
  if (node.input(3) != HT_NONE) {
    layer.bias = read_constant(graph, node.input(3));
    if (!layer.bias || !has_shape(*layer.bias, {directions, 2 * rows})) return false;
  }
  if (node.input(7) != HT_NONE) {
    layer.peephole = read_constant(graph, node.input(7));
    if (!layer.peephole || !has_shape(*layer.peephole, {directions, 3 * layer.hidden})) return false;
  }
  return true;
}

// The state before the first step: a part of the given one, or zeros that broadcast over the batch.
std::vector<ht_handle> initial(const StepBuilder &build, const RecurrentLayer &layer, ht_handle given,
                               const std::string &what) {
  const std::size_t directions = layer.reversed.size();
  const Extents shape = {static_cast<std::int64_t>(directions), layer.batch, layer.hidden};
  if (given == HT_NONE) {
    const std::vector<double> zeros(static_cast<std::size_t>(layer.hidden), 0.0);
    return std::vector<ht_handle>(directions, build.constant(what, {1, 1, layer.hidden}, zeros));
  }
  if (directions == 1) return {given};
  return build.split(what, given, 0, Extents(directions, 1), shape);
}

// A last state of all directions into the node's output.
void put_states(const StepBuilder &build, const std::vector<ht_handle> &states, const std::string &what,
                ht_handle output) {
  if (output == HT_NONE) return;
  if (states.size() == 1) {
    build.put("Identity", what, states, {&output, 1});
  } else {
    build.concat(what, states, 0, output);
  }
}

void put_sequences(const StepBuilder &build, const RecurrentLayer &layer,
                   const std::vector<std::vector<ht_handle>> &sequences) {
  if (layer.y == HT_NONE) return;
  std::vector<ht_handle> parts;
  for (std::size_t d = 0; d < sequences.size(); ++d) {
    const std::string what = "_sequence_" + std::to_string(d);
    const ht_handle joined = build.value(what, {layer.steps, layer.batch, layer.hidden});
    build.concat(what, sequences[d], 0, joined);
    const std::array inputs = {joined, build.integers(what + "_axis", {1})};
    if (sequences.size() == 1) {
      build.put("Unsqueeze", what + "_raised", inputs, {&layer.y, 1});
      return;
    }
    parts.push_back(build.op("Unsqueeze", what + "_raised", inputs, {layer.steps, 1, layer.batch, layer.hidden}));
  }
  build.concat("_sequences", parts, 1, layer.y);
}

}  // namespace

std::optional<RecurrentLayer> read_recurrent(const sdk::Graph &graph, ht_handle handle, std::int64_t gates,
                                             std::int64_t most_steps, std::string &reason) {
  const sdk::Node node = graph.node(handle);
  RecurrentLayer layer;
  layer.node = handle;
  layer.graph = node.graph();
  layer.name = std::string(node.name());
  layer.x = node.input(0);
  layer.gates = gates;
  const std::string direction = graph.attribute_text(handle, "direction", "forward");
  layer.reversed =
      direction == "bidirectional" ? std::vector<bool>{false, true} : std::vector<bool>{direction == "reverse"};
  reason = obstacle(graph, node, gates, layer.reversed.size());
  if (!reason.empty()) return std::nullopt;
  if (!read_constants(graph, node, layer)) {
    reason = "its weights are no float constants of the model";
    return std::nullopt;
  }
  const ht_tensor_info type = graph.value(layer.x).info.type;
  if (type.known_rank == 0 || type.rank != 3 || type.shape[0] < 1) {
    reason = "the length of its sequence is not known";
    return std::nullopt;
  }
  if (type.shape[0] > most_steps) {
    reason = "its sequence of " + std::to_string(type.shape[0]) + " steps is longer than max_steps, " +
             std::to_string(most_steps);
    return std::nullopt;
  }
  layer.steps = type.shape[0];
  layer.batch = type.shape[1];
  layer.initial_h = node.input(5);
  layer.initial_c = node.input(6);
  layer.y = if_read(graph, node.output(0));
  layer.y_h = if_read(graph, node.output(1));
  layer.y_c = if_read(graph, node.output(2));
  return layer;
}

std::vector<double> rows_of(const sdk::StoredTensor &p, std::size_t direction, std::int64_t first, std::int64_t count,
                            std::int64_t columns) {
  const std::int64_t start = static_cast<std::int64_t>(direction) * p.stride(0) + first * columns;
  const auto begin = p.data.begin() + start;
  return std::vector<double>(begin, begin + count * columns);
}

std::vector<double> turned(const std::vector<double> &data, std::int64_t rows, std::int64_t columns) {
  std::vector<double> out(data.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      out[static_cast<std::size_t>(c * rows + r)] = data[static_cast<std::size_t>(r * columns + c)];
    }
  }
  return out;
}

void unroll(const sdk::Graph &graph, const sdk::GraphEdit &edit, const RecurrentLayer &layer,
            const std::function<Cell(const StepBuilder &, std::size_t direction)> &make) {
  const auto borrowed = graph.node(layer.node).outputs();
  const std::vector<ht_handle> outputs(borrowed.begin(), borrowed.end());
  edit.remove_node(layer.node);
  for (const ht_handle output : outputs) {
    if (output != HT_NONE && output != layer.y && output != layer.y_h && output != layer.y_c) edit.remove_value(output);
  }
  const StepBuilder build(edit, layer.graph, layer.name, layer.dtype);
  const auto h = initial(build, layer, layer.initial_h, "_initial_h");
  const auto c = layer.gates == 4 ? initial(build, layer, layer.initial_c, "_initial_c") : h;
  const std::int64_t rows = layer.gates * layer.hidden;
  const Extents all = {layer.steps, layer.batch, rows};
  std::vector<std::vector<ht_handle>> sequences;
  std::vector<ht_handle> last_h, last_c;
  for (std::size_t d = 0; d < layer.reversed.size(); ++d) {
    const std::string side = std::string("_").append(std::to_string(d));
    const Cell cell = make(build, d);
    const auto weight = turned(rows_of(layer.weight, d, 0, rows, layer.inputs), rows, layer.inputs);
    const ht_handle product = build.binary("MatMul", side + "_input", layer.x,
                                           build.constant(side + "_weight", {layer.inputs, rows}, weight), all);
    const ht_handle sum =
        build.binary("Add", side + "_gates", product, build.constant(side + "_bias", {rows}, cell.input_bias), all);
    const auto inputs = build.split(side + "_steps", sum, 0, Extents(static_cast<std::size_t>(layer.steps), 1), all);
    std::vector<ht_handle> sequence(inputs.size());
    CellState state{h[d], c[d]};
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::size_t at = layer.reversed[d] ? inputs.size() - 1 - i : i;
      state = cell.step(build, side + "_step_" + std::to_string(at), inputs[at], state);
      sequence[at] = state.h;
    }
    sequences.push_back(std::move(sequence));
    last_h.push_back(state.h);
    last_c.push_back(state.c);
  }
  put_sequences(build, layer, sequences);
  put_states(build, last_h, "_last_h", layer.y_h);
  put_states(build, last_c, "_last_c", layer.y_c);
}

void unroll_all(
    const sdk::Context &ctx, const char *op_type, std::int64_t gates, std::int64_t most_steps,
    const std::function<void(const sdk::Graph &, const sdk::GraphEdit &, const RecurrentLayer &)> &replace) {
  const sdk::Graph graph(ctx);
  const sdk::GraphEdit edit(ctx);
  std::size_t split = 0, steps = 0, left = 0;
  walk_nodes(ctx, graph, [&](ht_handle node) {
    if (!graph.node(node).is(op_type)) return;
    std::string reason;
    const auto layer = read_recurrent(graph, node, gates, most_steps, reason);
    if (!layer) {
      ctx.warn("node '" + std::string(graph.node(node).name()) + "' (" + op_type + ") stays as it is: " + reason);
      ++left;
      return;
    }
    replace(graph, edit, *layer);
    ++split;
    steps += static_cast<std::size_t>(layer->steps) * layer->reversed.size();
  });
  ctx.report("split", std::to_string(split) + " nodes into " + std::to_string(steps) + " steps");
  if (left > 0) ctx.report("left", std::to_string(left) + " nodes");
}

}  // namespace halftone::passes
