#include "qdq_builder.h"

#include <algorithm>
#include <array>

namespace halftone::exporters {
namespace {

ht_tensor_view tensor(ht_dtype dtype, std::span<const std::int64_t> shape, void *data) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = dtype;
  view.rank = static_cast<std::uint32_t>(shape.size());
  view.shape = shape.data();
  view.data = data;
  return view;
}

}  // namespace

ht_handle QdqBuilder::float_initializer(const std::string &base, const std::vector<float> &values,
                                        std::span<const std::int64_t> shape) {
  return edit_.add_initializer(at_, base, sdk::float_view(values.data(), shape));
}

QdqBuilder::Parameters QdqBuilder::parameters(std::string_view base, const Quantization &q, bool constant,
                                              std::span<const std::int64_t> tensor_shape) {
  const std::optional<Storage> storage = storage_of(q, constant);
  if (!storage) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "ONNX has no type for the codes " + std::to_string(q.quant_min) + " to " +
                                             std::to_string(q.quant_max) + " of '" + std::string(base) +
                                             "'; use at most 16 bits for activations");
  }
  if (q.per_block() && tensor_shape.empty()) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "'" + std::string(base) +
                                             "' is an activation that is quantized by block, which onnx-qdq writes "
                                             "for stored weights only; use granularity tensor for it");
  }
  needed_opset_ = std::max(needed_opset_, q.per_block() ? std::int64_t{21} : storage->opset);
  Parameters out;
  out.storage = *storage;
  const std::vector<std::int64_t> shape = q.entry_shape(tensor_shape);
  out.scale = float_initializer(std::string(base) + "_scale", q.scales, shape);
  // float8 has no zero point, but the tensor's type says which float8 it is.
  const bool whole = q.kind == HT_QUANT_INTEGER;
  const std::vector<std::int32_t> zeros(q.scales.size(), 0);
  std::vector<std::uint8_t> codes = pack_codes(whole ? q.zero_points : zeros, storage->dtype);
  out.zero_point =
      edit_.add_initializer(at_, std::string(base) + "_zero_point", tensor(storage->dtype, shape, codes.data()));
  return out;
}

ht_handle QdqBuilder::node(const char *type, std::string_view name, std::vector<ht_handle> inputs, ht_handle output,
                           const Quantization *q) {
  const ht_handle made = edit_.add_node(at_, type, edit_.unique_name(at_, name), inputs, std::span(&output, 1));
  // Written even where it equals ONNX's default: the default of the two operators is 1, that of most weights 0.
  if (q != nullptr && (q->per_channel() || q->per_block())) edit_.set_int(made, "axis", q->axis);
  if (q != nullptr && q->per_block()) edit_.set_int(made, "block_size", q->block_size);
  return made;
}

// QuantizeLinear saturates at the limits of its type. Where the quantizer is narrower, a Clip says so.
ht_handle QdqBuilder::clipped(ht_handle value, std::string_view base, const Quantization &q, const Storage &storage) {
  if (q.kind != HT_QUANT_INTEGER || (q.quant_min == storage.low && q.quant_max == storage.high)) return value;
  if (q.per_channel() || q.per_block()) {
    throw sdk::Failure(HT_UNIMPLEMENTED,
                       "'" + std::string(base) + "' has several scales and the range " + std::to_string(q.quant_min) +
                           " to " + std::to_string(q.quant_max) +
                           ", which no ONNX operator clips to; use all codes of 8 or 16 bits, or one scale");
  }
  const float scale = q.scales.front();
  const auto zero_point = static_cast<std::int64_t>(q.zero_points.front());
  const auto limit = [&](const char *suffix, std::int64_t code) {
    return float_initializer(std::string(base) + suffix, {static_cast<float>(code - zero_point) * scale}, {});
  };
  const ht_handle low = limit("_clip_min", q.quant_min), high = limit("_clip_max", q.quant_max);
  const ht_handle out = edit_.add_value(at_, std::string(base) + "_clipped");
  node("Clip", std::string(base) + "_Clip", {value, low, high}, out, nullptr);
  return out;
}

void QdqBuilder::connect(ht_handle from, ht_handle to, std::string_view base, const Quantization &q) {
  if (q.dynamic) return connect_dynamic(from, to, base, q);
  const std::optional<sdk::HeldTensor> stored = graph_.hold(from);
  const Parameters p =
      parameters(base, q, false, stored ? sdk::shape_of(stored->view()) : std::span<const std::int64_t>());
  const ht_handle narrowed = clipped(from, base, q, p.storage);
  const ht_handle codes = edit_.add_value(at_, std::string(base) + "_quantized");
  node("QuantizeLinear", std::string(base) + "_QuantizeLinear", {narrowed, p.scale, p.zero_point}, codes, &q);
  node("DequantizeLinear", std::string(base) + "_DequantizeLinear", {codes, p.scale, p.zero_point}, to, &q);
}

// ONNX computes the range of a tensor for one type alone.
void QdqBuilder::connect_dynamic(ht_handle from, ht_handle to, std::string_view base, const Quantization &q) {
  const bool known = q.kind == HT_QUANT_INTEGER && q.quant_min == 0 && q.quant_max == 255 &&
                     q.symmetry == HT_ASYMMETRIC && q.scale_form == HT_SCALE_FREE;
  if (!known) {
    throw sdk::Failure(HT_UNIMPLEMENTED,
                       "'" + std::string(base) +
                           "' takes its range at run time, for which ONNX has asymmetric 8-bit codes 0 to 255 only "
                           "(DynamicQuantizeLinear); use such a type, or calibrate");
  }
  const ht_handle codes = edit_.add_value(at_, std::string(base) + "_quantized");
  const ht_handle scale = edit_.add_value(at_, std::string(base) + "_scale");
  const ht_handle zero_point = edit_.add_value(at_, std::string(base) + "_zero_point");
  const std::array<ht_handle, 3> outputs = {codes, scale, zero_point};
  edit_.add_node(at_, "DynamicQuantizeLinear", edit_.unique_name(at_, std::string(base) + "_DynamicQuantizeLinear"),
                 std::span(&from, 1), outputs);
  node("DequantizeLinear", std::string(base) + "_DequantizeLinear", {codes, scale, zero_point}, to, nullptr);
}

ht_handle QdqBuilder::pair_before(ht_handle value, const Quantization &q) {
  const auto [begin, end] = pairs_.equal_range(value);
  for (auto it = begin; it != end; ++it) {
    if (it->second.q == q && it->second.graph == at_) return it->second.result;
  }
  const std::string base = name_of(value);
  const ht_handle out = edit_.add_value(at_, base + "_dequantized");
  connect(value, out, base, q);
  pairs_.emplace(value, Made{q, out, at_});
  return out;
}

ht_handle QdqBuilder::pair_behind(ht_handle value, const Quantization &q) {
  const std::string base = name_of(value);
  const ht_handle out = edit_.add_value(at_, base + "_dequantized");
  // Before the pair exists, so that it is not among the consumers that move.
  edit_.replace_uses(value, out);
  connect(value, out, base, q);
  return out;
}

ht_handle QdqBuilder::stored(std::string_view base, ht_handle value, const Quantization &q) {
  const auto [begin, end] = stored_.equal_range(value);
  for (auto it = begin; it != end; ++it) {
    if (it->second.q == q && it->second.graph == at_) return it->second.result;
  }
  // Held, so that a baked parameter is in memory as floats for this moment alone.
  const std::optional<sdk::HeldTensor> held = graph_.hold(value);
  if (!held || held->view().dtype != HT_F32) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "'" + std::string(base) + "' is quantized as a parameter and is no float32 tensor", value);
  }
  const ht_tensor_view &source = held->view();
  const Parameters p = parameters(base, q, true, sdk::shape_of(source));
  std::vector<std::uint8_t> bytes(packed_bytes(static_cast<std::uint64_t>(sdk::count_of(source)), p.storage.dtype));
  ht_tensor_view codes = tensor(p.storage.dtype, sdk::shape_of(source), bytes.data());
  const ht_quantizer quantizer = q.view();
  sdk::check(ctx_.host.arithmetic->quantize(ctx_.raw, &quantizer, &source, &codes));
  const ht_handle kept = edit_.add_initializer(at_, std::string(base) + "_quantized", codes);
  const ht_handle out = edit_.add_value(at_, std::string(base) + "_dequantized");
  node("DequantizeLinear", std::string(base) + "_DequantizeLinear", {kept, p.scale, p.zero_point}, out, &q);
  stored_.emplace(value, Made{q, out, at_});
  return out;
}

ht_handle QdqBuilder::on_grid(std::string_view base, ht_handle value, const Quantization &q) {
  const std::optional<sdk::HeldTensor> held = graph_.hold(value);
  if (!held || held->view().dtype != HT_F32) return value;
  const ht_tensor_view &source = held->view();
  std::vector<float> out(static_cast<std::size_t>(sdk::count_of(source)));
  ht_tensor_view target = sdk::float_view(out.data(), sdk::shape_of(source));
  const ht_quantizer quantizer = q.view();
  sdk::check(ctx_.host.arithmetic->fake_quantize(ctx_.raw, &quantizer, &source, &target));
  return edit_.add_initializer(at_, base, target);
}

}  // namespace halftone::exporters
