// Sparse constants as dense ones, for what runs or quantizes a model.
#pragma once

#include "core/model/onnx_proto.h"

namespace halftone::model {

// Turns sparse initializers and the sparse values of Constant nodes, in bodies too, into dense tensors. Those that
// would take more than 1 GiB, that lie in a file of their own or that hold texts or parts of bytes stay as they are.
// Throws DataLoss for one whose indices do not fit.
void make_dense(onnx::ModelProto &proto);

}  // namespace halftone::model
