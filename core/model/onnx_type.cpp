#include "core/model/onnx_type.h"

#include <algorithm>

namespace halftone::model {

ValueType read_type(const onnx::TypeProto &proto) {
  ValueType type;
  if (!proto.has_tensor_type()) return type;
  type.dtype = dtype_from_onnx(proto.tensor_type().elem_type());
  type.has_shape = proto.tensor_type().has_shape();
  for (const auto &dim : proto.tensor_type().shape().dim()) {
    Dim read;
    if (dim.has_dim_value()) read.extent = std::max<std::int64_t>(dim.dim_value(), -1);
    if (dim.has_dim_param()) read.symbol = dim.dim_param();
    type.dims.push_back(std::move(read));
  }
  return type;
}

bool same_type(const ValueType &a, const ValueType &b) {
  const auto same_dim = [](const Dim &x, const Dim &y) {
    return x.extent >= 0 || y.extent >= 0 ? x.extent == y.extent : x.symbol == y.symbol;
  };
  return a.dtype == b.dtype && a.has_shape == b.has_shape &&
         std::equal(a.dims.begin(), a.dims.end(), b.dims.begin(), b.dims.end(), same_dim);
}

void write_type(const ValueType &type, onnx::TypeProto &proto) {
  if (type.dtype == HT_DTYPE_NONE || same_type(type, read_type(proto))) return;
  onnx::TypeProto::Tensor &tensor = *proto.mutable_tensor_type();
  tensor.set_elem_type(dtype_to_onnx(type.dtype));
  if (!type.has_shape) {
    tensor.clear_shape();
    return;
  }
  auto &dims = *tensor.mutable_shape()->mutable_dim();
  const int rank = static_cast<int>(type.dims.size());
  if (dims.size() > rank) dims.DeleteSubrange(rank, dims.size() - rank);
  while (dims.size() < rank) dims.Add();
  for (int i = 0; i < rank; ++i) {
    const Dim &dim = type.dims[static_cast<std::size_t>(i)];
    dims[i].clear_value();  // and keeps the denotation
    if (dim.extent >= 0)
      dims[i].set_dim_value(dim.extent);
    else if (!dim.symbol.empty())
      dims[i].set_dim_param(dim.symbol);
  }
}

}  // namespace halftone::model
