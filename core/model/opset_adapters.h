// The adapters of opset_lift.cpp, one for each operator whose form changed from opset 1 to 13.
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

// Operators of opset 1 to 6; run before those above.
void lift_attribute_broadcast(Model &model, Handle node, std::int64_t from);  // Add, And, Equal and their kin
void lift_channel_slope(Model &model, Handle node, std::int64_t from);        // PRelu
void lift_training_hint(Model &model, Handle node, std::int64_t from);        // BatchNormalization, Dropout
void lift_plain_broadcast(Model &model, Handle node, std::int64_t from);      // Gemm
void lift_cast_name(Model &model, Handle node, std::int64_t from);
void lift_early_defaults(Model &model, Handle node, std::int64_t from);  // Concat, Pad, Selu, recurrent, Lp pools
void lift_reshape_attribute(Model &model, Handle node, std::int64_t from);
void lift_upsample_scales(Model &model, Handle node, std::int64_t from);
void lift_tile_axis(Model &model, Handle node, std::int64_t from);

}  // namespace halftone::model
