#include "core/model/onnx_type.h"

#include <algorithm>

#include "core/model/onnx_io.h"
#include "core/model/onnx_sidecar.h"

namespace halftone::model {
namespace {

// The dense tensor of a type, which may be inside an optional one; null where it is another.
const onnx::TypeProto::Tensor *tensor_in(const onnx::TypeProto &proto) {
  if (proto.has_tensor_type()) return &proto.tensor_type();
  const bool optional = proto.has_optional_type() && proto.optional_type().elem_type().has_tensor_type();
  return optional ? &proto.optional_type().elem_type().tensor_type() : nullptr;
}

onnx::TypeProto::Tensor &tensor_to_write(onnx::TypeProto &proto) {
  onnx::TypeProto &holder = proto.has_optional_type() ? *proto.mutable_optional_type()->mutable_elem_type() : proto;
  return *holder.mutable_tensor_type();
}

}  // namespace

ValueType read_type(const onnx::TypeProto &proto) {
  ValueType type;
  const onnx::TypeProto::Tensor *tensor = tensor_in(proto);
  if (tensor == nullptr) return type;
  type.dtype = dtype_from_onnx(tensor->elem_type());
  type.has_shape = tensor->has_shape();
  for (const auto &dim : tensor->shape().dim()) {
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
  onnx::TypeProto::Tensor &tensor = tensor_to_write(proto);
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

bool is_optional_input(const Model &model, Handle value) {
  const ValueOrigin *origin = model.sidecar ? model.sidecar->find(value) : nullptr;
  return origin != nullptr && origin->input != nullptr && origin->input->type().has_optional_type();
}

}  // namespace halftone::model
