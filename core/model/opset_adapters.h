// The adapters of opset_lift.cpp, one for each operator whose form changed up to opset 13.
#pragma once

#include "core/model/model.h"

namespace halftone::model {

// Rewrites one node, written for opset `from`, to its form at opset 13.
using OpsetAdapter = void (*)(Model &model, Handle node, std::int64_t from);

// Attributes that became inputs.
void lift_axes(Model &model, Handle node, std::int64_t from);  // Squeeze, Unsqueeze, ReduceSum
void lift_split(Model &model, Handle node, std::int64_t from);
void lift_clip(Model &model, Handle node, std::int64_t from);
void lift_pad(Model &model, Handle node, std::int64_t from);
void lift_slice(Model &model, Handle node, std::int64_t from);
void lift_top_k(Model &model, Handle node, std::int64_t from);
void lift_dropout(Model &model, Handle node, std::int64_t from);

// Operators whose meaning, name or outputs changed.
void lift_softmax(Model &model, Handle node, std::int64_t from);  // LogSoftmax and Hardmax too
void lift_upsample(Model &model, Handle node, std::int64_t from);
void lift_resize(Model &model, Handle node, std::int64_t from);
void lift_batch_normalization(Model &model, Handle node, std::int64_t from);
void lift_scatter(Model &model, Handle node, std::int64_t from);
void lift_scan(Model &model, Handle node, std::int64_t from);  // of opset 8, over batches

}  // namespace halftone::model
