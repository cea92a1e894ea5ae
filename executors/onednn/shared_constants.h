// Constants that several open sessions read are kept once, also in the layouts that primitives asked for: an analysis
// opens a session for every operator of a model.
#pragma once

#include "layout.h"
#include "program.h"

namespace halftone::onednn {

// The tensor as a constant: a small one is copied, a large one is held where the model has it, and what another session
// took from the same place is shared with it.
ConstantPtr shared_constant(const sdk::HeldTensor &held);

// The constant in another layout, where a session that is open has made it, or null.
Bytes find_layout(const ConstantPtr &constant, const Desc &source, const Desc &wanted);
void keep_layout(const ConstantPtr &constant, const Desc &source, const Desc &wanted, const Bytes &data);

}  // namespace halftone::onednn
