// What statistics belong to: the executed graph with its weights, the data and its preprocessing.
#pragma once

#include <string>

#include "core/base/digest.h"
#include "core/host/context.h"
#include "core/model/model.h"

namespace halftone::calibration {

// Everything of the model that executing it depends on: operators, attributes, connections, opsets, constant tensors.
// Names of nodes and metadata do not count; names of values do, since statistics are kept by them.
Digest model_digest(const model::Model &model);

// What is executed while statistics are collected: the model, and when weights are quantized meanwhile, by what.
Digest executed_digest(const host::WorkingModel &working, bool quantized_weights);

// Both, at the cost of one.
struct ExecutedGraphs {
  Digest plain, quantized_weights;
  bool contain(const Digest &executed) const { return executed == plain || executed == quantized_weights; }
};
ExecutedGraphs executed_graphs(const host::WorkingModel &working);

// The same of a simulated run: the model with every live quantizer. Never that of a float run.
Digest simulated_digest(const host::WorkingModel &working);

// Names the statistics that a scale came from: what was executed, over which samples as they were fed (that is, after
// preprocessing).
Digest statistics_key(const Digest &executed, const Digest &data, std::uint64_t samples);

// What statistics call a value: its name, and for a value of a body the way there, as bodies may share names.
std::string statistics_name(const model::Model &model, model::Handle value);

}  // namespace halftone::calibration
