#include "core/model/onnx_tensor.h"

#include <bit>
#include <cstring>

#include "core/base/error.h"
#include "core/model/onnx_io.h"

namespace halftone::model {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian and is used as it is");

Shape shape_of(const onnx::TensorProto &proto) {
  for (const std::int64_t extent : proto.dims()) {
    if (extent < 0)
      fail(Status::kDataLoss, "constant '{}' has an extent of {}; the file is damaged", proto.name(), extent);
  }
  return Shape(proto.dims().begin(), proto.dims().end());
}

void drop_data(onnx::TensorProto &proto) {
  proto.clear_raw_data();
  proto.clear_float_data();
  proto.clear_int32_data();
  proto.clear_int64_data();
  proto.clear_double_data();
  proto.clear_uint64_data();
  proto.clear_string_data();
  proto.clear_external_data();
  proto.clear_data_location();
}

template <typename Out, typename Field>
std::vector<std::byte> packed(const Field &field) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(field.size()) * sizeof(Out));
  std::byte *at = bytes.data();
  for (const auto element : field) {
    const auto value = static_cast<Out>(element);
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
  }
  return bytes;
}

// The data of a message that keeps its elements in one of the typed fields.
std::vector<std::byte> typed_data(const onnx::TensorProto &proto, ht_dtype dtype) {
  switch (dtype) {
    case HT_F32:
    case HT_C64:
      return packed<float>(proto.float_data());
    case HT_F64:
    case HT_C128:
      return packed<double>(proto.double_data());
    case HT_I64:
      return packed<std::int64_t>(proto.int64_data());
    case HT_U64:
      return packed<std::uint64_t>(proto.uint64_data());
    case HT_U32:
      return packed<std::uint32_t>(proto.uint64_data());
    case HT_I32:
      return packed<std::int32_t>(proto.int32_data());
    case HT_F16:
    case HT_BF16:
    case HT_U16:
      return packed<std::uint16_t>(proto.int32_data());
    case HT_I16:
      return packed<std::int16_t>(proto.int32_data());
    default:
      return packed<std::uint8_t>(proto.int32_data());  // bytes, or pairs of 4-bit elements
  }
}

bool is_aligned(std::span<const std::byte> bytes, ht_dtype dtype) {
  const std::size_t size = dtype_bits(dtype) / 8;
  return size < 2 || reinterpret_cast<std::uintptr_t>(bytes.data()) % size == 0;
}

void check_length(const onnx::TensorProto &proto, std::size_t has, std::size_t wanted) {
  if (has == wanted) return;
  fail(Status::kDataLoss,
       "constant '{}' holds {} bytes where its shape and type need {}; the file is damaged, export it again",
       proto.name(), has, wanted);
}

Tensor take_external(onnx::TensorProto &proto, ExternalData &external, ht_dtype dtype, Shape shape) {
  std::shared_ptr<const void> owner;
  const std::size_t wanted = dtype_bytes(dtype, element_count(shape));
  const auto bytes = external.find(proto, static_cast<std::int64_t>(wanted), owner);
  drop_data(proto);
  // An odd offset would make every typed read of the data undefined; such a tensor is copied.
  if (!is_aligned(bytes, dtype))
    return Tensor(dtype, std::move(shape), std::vector<std::byte>(bytes.begin(), bytes.end()));
  return Tensor(dtype, std::move(shape), bytes, std::move(owner));
}

// The message itself as the bytes of the tensor.
Tensor take_opaque(onnx::TensorProto &proto, ExternalData &external) {
  if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
    std::shared_ptr<const void> owner;
    const auto bytes = external.find(proto, -1, owner);
    proto.set_raw_data(bytes.data(), bytes.size());
    proto.clear_external_data();
    proto.clear_data_location();
  }
  auto text = std::make_shared<const std::string>(proto.SerializeAsString());
  Shape shape = shape_of(proto);
  drop_data(proto);
  const auto bytes = std::as_bytes(std::span(text->data(), text->size()));
  return Tensor(HT_STRING, std::move(shape), bytes, std::move(text));
}

}  // namespace

Tensor take_tensor(onnx::TensorProto &proto, ExternalData &external) {
  const ht_dtype dtype = dtype_from_onnx(proto.data_type());
  if (dtype == HT_DTYPE_NONE || dtype == HT_STRING || proto.has_segment()) return take_opaque(proto, external);
  Shape shape = shape_of(proto);
  if (proto.data_location() == onnx::TensorProto::EXTERNAL)
    return take_external(proto, external, dtype, std::move(shape));
  const std::size_t wanted = dtype_bytes(dtype, element_count(shape));
  if (proto.has_raw_data()) {
    check_length(proto, proto.raw_data().size(), wanted);
    // The message's own string becomes the storage: no copy of the weights is made.
    const std::shared_ptr<const std::string> raw(proto.release_raw_data());
    drop_data(proto);
    return Tensor(dtype, std::move(shape), std::as_bytes(std::span(raw->data(), raw->size())), raw);
  }
  std::vector<std::byte> bytes = typed_data(proto, dtype);
  check_length(proto, bytes.size(), wanted);
  drop_data(proto);
  return Tensor(dtype, std::move(shape), std::move(bytes));
}

void put_tensor_header(const Tensor &tensor, onnx::TensorProto &proto) {
  proto.set_data_type(dtype_to_onnx(tensor.dtype()));
  proto.mutable_dims()->Assign(tensor.shape().begin(), tensor.shape().end());
  drop_data(proto);
}

void put_tensor(const Tensor &tensor, onnx::TensorProto &proto) {
  if (tensor.empty()) fail(Status::kInternal, "constant '{}' has no type and cannot be written", proto.name());
  if (tensor.dtype() == HT_STRING) {
    const std::string tensor_name = proto.name();
    const bool named = proto.has_name();
    if (!proto.ParseFromArray(tensor.bytes().data(), static_cast<int>(tensor.bytes().size()))) {
      fail(Status::kInternal, "constant '{}' holds no readable string data", tensor_name);
    }
    if (named) proto.set_name(tensor_name);
    return;
  }
  put_tensor_header(tensor, proto);
  proto.set_raw_data(tensor.bytes().data(), tensor.bytes().size());
}

Tensor parse_tensor_proto(std::string_view bytes) {
  onnx::TensorProto proto;
  if (bytes.size() > static_cast<std::size_t>(INT32_MAX) ||
      !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || proto.data_type() == 0) {
    fail(Status::kDataLoss, "the data is no ONNX TensorProto, or is cut off; write it again with onnx.numpy_helper");
  }
  if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
    fail(Status::kUnimplemented, "tensor '{}' keeps its data in another file; store it in the message", proto.name());
  }
  ExternalData none{std::filesystem::path()};
  return take_tensor(proto, none);
}

std::string serialize_tensor_proto(const Tensor &tensor, std::string_view name) {
  onnx::TensorProto proto;
  proto.set_name(std::string(name));
  put_tensor(tensor, proto);
  return proto.SerializeAsString();
}

}  // namespace halftone::model
