// What statistics belong to: the executed graph with its weights, the data and its preprocessing.
#pragma once

#include "core/base/digest.h"
#include "core/model/model.h"

namespace halftone::calibration {

// Everything of the model that executing it depends on: operators, attributes, connections, opsets, constant tensors.
// Names of nodes and metadata do not count; names of values do, since statistics are kept by them.
Digest model_digest(const model::Model &model);

// The key of one collection: model, data as it was fed (that is, after preprocessing, sample by sample in order), and
// whether weights were quantized while executing.
Digest statistics_key(const Digest &model, const Digest &data, bool quantized_weights);

}  // namespace halftone::calibration
