// The tables of the services training and op_gradient.
#pragma once

#include "halftone/op_gradient.h"
#include "halftone/trainer.h"

namespace halftone::host {

const ht_training *training_table();
const ht_op_gradient_lookup *op_gradient_table();

}  // namespace halftone::host
