#include "core/model/onnx_sparse.h"

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/model/onnx_io.h"

namespace halftone::model {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;

// The elements that there are, and where they belong; nothing where a tensor cannot be made dense here.
class Sparse {
 public:
  explicit Sparse(const onnx::SparseTensorProto &proto)
      : name_(proto.values().name()), dims_(proto.dims().begin(), proto.dims().end()) {
    if (proto.values().data_location() == onnx::TensorProto::EXTERNAL ||
        proto.indices().data_location() == onnx::TensorProto::EXTERNAL) {
      return;
    }
    const std::size_t bits = dtype_bits(dtype_from_onnx(proto.values().data_type()));
    if (bits == 0 || bits % 8 != 0) return;
    std::int64_t bytes = static_cast<std::int64_t>(bits / 8);
    for (const std::int64_t extent : dims_) {
      if (extent < 0) broken();
      if (__builtin_mul_overflow(bytes, extent, &bytes)) return;
    }
    if (bytes > kMostBytes) return;
    width_ = bits / 8;
    count_ = bytes / static_cast<std::int64_t>(width_);
    values_ = parse_tensor_proto(proto.values().SerializeAsString());
    indices_ = parse_tensor_proto(proto.indices().SerializeAsString());
  }

  std::optional<Tensor> dense() const {
    if (!values_) return std::nullopt;
    const auto stored = static_cast<std::size_t>(values_->count());
    const std::size_t rank = dims_.size();
    const bool linear = indices_->shape().size() == 1;
    if (indices_->dtype() != HT_I64 || static_cast<std::size_t>(indices_->count()) != stored * (linear ? 1 : rank))
      broken();
    std::vector<std::byte> bytes(static_cast<std::size_t>(count_) * width_);
    for (std::size_t i = 0; i < stored; ++i) {
      const std::int64_t at = linear ? indices_->ints()[i] : place(indices_->ints().subspan(i * rank, rank));
      if (at < 0 || at >= count_) broken();
      std::memcpy(bytes.data() + static_cast<std::size_t>(at) * width_, values_->bytes().data() + i * width_, width_);
    }
    return Tensor(values_->dtype(), dims_, std::move(bytes));
  }

 private:
  [[noreturn]] void broken() const {
    fail(Status::kDataLoss, "the indices of the sparse constant '{}' do not fit its shape; export the model again",
         name_);
  }
  std::int64_t place(std::span<const std::int64_t> index) const {
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      if (index[axis] < 0 || index[axis] >= dims_[axis]) broken();
      at = at * dims_[axis] + index[axis];
    }
    return at;
  }

  std::string name_;
  Shape dims_;
  std::size_t width_ = 0;
  std::int64_t count_ = 0;
  std::optional<Tensor> values_, indices_;
};

void put(const Tensor &tensor, const std::string &name, onnx::TensorProto &proto) {
  proto.ParseFromString(serialize_tensor_proto(tensor, name));
}

void make_dense(onnx::GraphProto &graph) {
  auto &sparse = *graph.mutable_sparse_initializer();
  for (int i = 0; i < sparse.size();) {
    const std::optional<Tensor> dense = Sparse(sparse[i]).dense();
    if (dense) put(*dense, sparse[i].values().name(), *graph.add_initializer());
    if (dense) sparse.DeleteSubrange(i, 1);
    i += dense ? 0 : 1;
  }
  for (onnx::NodeProto &node : *graph.mutable_node()) {
    for (onnx::AttributeProto &attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) make_dense(*attribute.mutable_g());
      for (onnx::GraphProto &body : *attribute.mutable_graphs()) make_dense(body);
      if (node.op_type() != "Constant" || !attribute.has_sparse_tensor()) continue;
      const std::optional<Tensor> dense = Sparse(attribute.sparse_tensor()).dense();
      if (!dense) continue;
      attribute.clear_sparse_tensor();
      attribute.set_name("value");
      attribute.set_type(onnx::AttributeProto::TENSOR);
      put(*dense, "", *attribute.mutable_t());
    }
  }
}

}  // namespace

void make_dense(onnx::ModelProto &proto) {
  make_dense(*proto.mutable_graph());
}

}  // namespace halftone::model
