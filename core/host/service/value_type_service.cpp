#include "core/host/service/value_type_table.h"

#include "core/host/service/table.h"

namespace halftone::host {
namespace {

// The declared type of a value that may be declared anew.
model::ValueType type_of(ht_ctx *ctx, ht_handle value) {
  const model::Value &v = working(ctx).model.value(value);
  if (v.initializer) {
    fail(Status::kFailedPrecondition, "value '{}' has a stored tensor, which says its type; set the tensor", v.name);
  }
  return v.type;
}

void require_axis(const model::Value &value, std::uint32_t axis) {
  if (!value.type.has_shape) {
    fail(Status::kInvalidArgument, "nothing is known about the shape of value '{}'", value.name);
  }
  if (axis >= value.type.dims.size()) {
    fail(Status::kInvalidArgument, "value '{}' has {} axes, not axis {}", value.name, value.type.dims.size(), axis);
  }
}

ht_status HT_CALL set_element_type(ht_ctx *ctx, ht_handle value, ht_dtype dtype) {
  return serve(ctx, [&] {
    model::ValueType type = type_of(ctx, value);
    type.dtype = dtype;
    working(ctx).model.set_type(value, std::move(type));
  });
}

ht_status HT_CALL set_extent(ht_ctx *ctx, ht_handle value, std::uint32_t axis, std::int64_t extent,
                             const ht_str *symbol) {
  return serve(ctx, [&] {
    model::ValueType type = type_of(ctx, value);
    require_axis(working(ctx).model.value(value), axis);
    type.dims[axis] = {extent < 0 ? -1 : extent, extent < 0 ? std::string(text(symbol)) : std::string()};
    working(ctx).model.set_type(value, std::move(type));
  });
}

ht_status HT_CALL symbol(ht_ctx *ctx, ht_handle value, std::uint32_t axis, ht_str *name) {
  return serve(ctx, [&] {
    const model::Value &v = working(ctx).model.value(value);
    require_axis(v, axis);
    const std::string &found = v.type.dims[axis].symbol;
    *name = {keep(ctx, std::span<const char>(found.data(), found.size())), found.size()};
  });
}

}  // namespace

const ht_value_type *value_type_table() {
  static constexpr ht_value_type kTable = {sizeof(ht_value_type), 0, &set_element_type, &set_extent, &symbol};
  return &kTable;
}

}  // namespace halftone::host
