// Lazily baked parameters: the stored tensor stays as it was, with a quantizer beside it, until somebody reads it.
#pragma once

#include <optional>

#include "core/host/context.h"

namespace halftone::host {

// The quantizer of an initializer that was baked; nullopt for one that was not. All consumers of a baked initializer
// agree: bake() gives a slot its own copy otherwise.
std::optional<ht_quantizer> baked_quantizer(const WorkingModel &working, model::Handle value);

// The fake-quantized tensor. Throws InvalidArgument when the tensor is not float32.
model::Tensor fake_quantized(const model::Tensor &tensor, const ht_quantizer &quantizer);

// Its elements alone, in the context's arena.
void *fake_quantized(ht_ctx *ctx, const model::Tensor &tensor, const ht_quantizer &quantizer);

// Marks the config's parameter as baked; see "ht.config_edit/1". Splits the initializer when another slot reads it
// differently.
void bake(WorkingModel &working, model::Handle config);

}  // namespace halftone::host
