// Constants that several open sessions read are kept once, also in the layouts that primitives asked for: an analysis
// opens a session for every operator of a model.
#pragma once

#include "layout.h"
#include "program.h"

namespace halftone::onednn {

// A copy of the tensor, or that of another session which was taken from the same place and holds the same bytes.
ConstantPtr shared_copy(const ht_tensor_view &tensor);

// The constant in another layout, where a session that is open has made it, or null.
Bytes find_layout(const ConstantPtr &constant, const Desc &source, const Desc &wanted);
void keep_layout(const ConstantPtr &constant, const Desc &source, const Desc &wanted, const Bytes &data);

}  // namespace halftone::onednn
