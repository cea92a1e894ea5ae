// The fields of each struct of the plug-in ABI that a service takes or gives.
#pragma once

#include "core/host/isolation/wire.h"
#include "halftone/halftone.h"
#include "halftone/value_type.h"

namespace halftone::host {

// Structs without a pointer.
template <typename T>
inline constexpr bool kFlat = false;
template <>
inline constexpr bool kFlat<ht_use> = true;
template <>
inline constexpr bool kFlat<ht_tensor_info> = true;
template <>
inline constexpr bool kFlat<ht_quant_spec> = true;
template <>
inline constexpr bool kFlat<ht_statistics_request> = true;
template <>
inline constexpr bool kFlat<ht_collect_options> = true;
template <>
inline constexpr bool kFlat<ht_execution_result> = true;
template <>
inline constexpr bool kFlat<ht_node_cost> = true;
template <>
inline constexpr bool kFlat<ht_parallel_options> = true;

}  // namespace halftone::host

// In the global namespace, where the structs are, so that every walk finds them.
template <typename A, typename T>
requires halftone::host::kFlat<T>
void walk(A &archive, T &value) {
  archive.raw(&value, sizeof value);
}

template <typename A>
void walk(A &archive, ht_str &text) {
  halftone::host::walk_array(archive, text.data, text.size);
}
template <typename A>
void walk(A &archive, ht_strs &list) {
  halftone::host::walk_array(archive, list.data, list.size);
}
template <typename A>
void walk(A &archive, ht_handles &list) {
  halftone::host::walk_array(archive, list.data, list.size);
}
template <typename A>
void walk(A &archive, ht_i64s &list) {
  halftone::host::walk_array(archive, list.data, list.size);
}
template <typename A>
void walk(A &archive, ht_uses &list) {
  halftone::host::walk_array(archive, list.data, list.size);
}

namespace halftone::host {

// Bytes from the first element to behind the last one, whatever the layout.
inline std::uint64_t bytes_spanned(const ht_tensor_view &view) {
  const std::span<const std::int64_t> shape(view.shape, view.rank);
  const std::int64_t count = model::element_count(shape);
  if (count == 0) return 0;
  if (view.block_size == 0 && view.strides == nullptr) return model::dtype_bytes(view.dtype, count);
  std::int64_t last = 0;
  for (std::uint32_t axis = 0; axis < view.rank; ++axis) {
    const std::int64_t stride = view.strides == nullptr ? 0 : view.strides[axis];
    std::int64_t index = shape[axis] - 1;
    if (view.block_size != 0 && axis == view.block_axis) {
      last += view.block_size - 1;  // padding too
      index /= view.block_size;
    }
    if (stride < 0 || __builtin_mul_overflow(index, stride, &index) || __builtin_add_overflow(last, index, &last)) {
      fail(Status::kInvalidArgument, "a tensor view has strides that no memory has");
    }
  }
  return model::dtype_bytes(view.dtype, last + 1);
}

}  // namespace halftone::host

template <typename A>
void walk(A &archive, ht_tensor_view &view) {
  walk(archive, view.dtype);
  walk(archive, view.rank);
  walk(archive, view.flags);
  walk(archive, view.block_axis);
  walk(archive, view.block_size);
  if constexpr (A::kReading) {
    if (view.rank > HT_MAX_RANK) archive.broken();
  }
  halftone::host::walk_optional_array(archive, view.shape, view.rank);
  halftone::host::walk_optional_array(archive, view.strides, view.rank);
  bool there = view.data != nullptr;
  walk(archive, there);
  if constexpr (A::kReading) {
    if (view.rank > 0 && view.shape == nullptr) archive.broken();
  }
  if (!there) return;
  const void *data = view.data;
  std::uint64_t size = A::kReading ? 0 : halftone::host::bytes_spanned(view);
  archive.blob(data, size);
  view.data = const_cast<void *>(data);
  if constexpr (A::kReading) {
    if (halftone::host::bytes_spanned(view) > size) archive.broken();
  }
}

template <typename A>
void walk(A &archive, ht_node_info &info) {
  walk(archive, info.graph);
  walk(archive, info.name);
  walk(archive, info.op_type);
  walk(archive, info.domain);
  walk(archive, info.opset);
  walk(archive, info.inputs);
  walk(archive, info.outputs);
}

template <typename A>
void walk(A &archive, ht_value_info &info) {
  walk(archive, info.flags);
  walk(archive, info.graph);
  walk(archive, info.name);
  walk(archive, info.producer);
  walk(archive, info.producer_slot);
  walk(archive, info.consumer_count);
  walk(archive, info.type);
}

template <typename A>
void walk(A &archive, ht_attr &attr) {
  walk(archive, attr.kind);
  walk(archive, attr.name);
  walk(archive, attr.i);
  walk(archive, attr.f);
  walk(archive, attr.s);
  attr.t.struct_size = sizeof(ht_tensor_view);
  if (attr.kind == HT_ATTR_TENSOR) walk(archive, attr.t);
  walk(archive, attr.graph);
  walk(archive, attr.ints);
  halftone::host::walk_array(archive, attr.floats, attr.float_count);
  walk(archive, attr.strings);
  walk(archive, attr.graphs);
}

template <typename A>
void walk(A &archive, ht_config_info &info) {
  walk(archive, info.state);
  walk(archive, info.node);
  walk(archive, info.direction);
  walk(archive, info.slot);
  walk(archive, info.spec);
  walk(archive, info.root);
  walk(archive, info.master);
  walk(archive, info.observer);
  walk(archive, info.scale_count);
  halftone::host::walk_optional_array(archive, info.scales, info.scale_count);
  halftone::host::walk_optional_array(archive, info.zero_points, info.scale_count);
}

template <typename A>
void walk(A &archive, ht_quantizer &quantizer) {
  walk(archive, quantizer.kind);
  walk(archive, quantizer.rounding);
  walk(archive, quantizer.granularity);
  walk(archive, quantizer.quant_min);
  walk(archive, quantizer.quant_max);
  walk(archive, quantizer.axis);
  walk(archive, quantizer.block_size);
  walk(archive, quantizer.count);
  halftone::host::walk_optional_array(archive, quantizer.scales, quantizer.count);
  halftone::host::walk_optional_array(archive, quantizer.zero_points, quantizer.count);
  halftone::host::walk_optional_array(archive, quantizer.dynamic, 1);
}

template <typename A>
void walk(A &archive, ht_field &field);

template <typename A>
void walk(A &archive, ht_value &value) {
  walk(archive, value.kind);
  walk(archive, value.count);
  const auto list = [&]<typename T>(const T *data) {
    halftone::host::walk_optional_array(archive, data, value.count);
    value.data = data;
    if constexpr (A::kReading) {
      if (value.count > 0 && data == nullptr) archive.broken();
    }
  };
  switch (value.kind) {
    case HT_VALUE_I64:
    case HT_VALUE_FLAG:
    case HT_VALUE_SIZE:
      return list(static_cast<const std::int64_t *>(value.data));
    case HT_VALUE_F64:
      return list(static_cast<const double *>(value.data));
    case HT_VALUE_STR:
    case HT_VALUE_CHOICE:
      return list(static_cast<const ht_str *>(value.data));
    case HT_VALUE_MAP:
      return list(static_cast<const ht_field *>(value.data));
    default:
      value.data = nullptr;
  }
}

template <typename A>
void walk(A &archive, ht_field &field) {
  walk(archive, field.name);
  walk(archive, field.value);
}

template <typename A>
void walk(A &archive, ht_slot_rule &rule) {
  walk(archive, rule.role);
  walk(archive, rule.spec);
  walk(archive, rule.observer);
  halftone::host::walk_array(archive, rule.observer_parameters, rule.observer_parameter_count);
  walk(archive, rule.reason);
}

template <typename A>
void walk(A &archive, ht_node_rule &rule) {
  walk(archive, rule.quantized);
  walk(archive, rule.passive);
  walk(archive, rule.computing);
  walk(archive, rule.reason);
  halftone::host::walk_array(archive, rule.inputs, rule.input_count);
  halftone::host::walk_array(archive, rule.outputs, rule.output_count);
}

template <typename A>
void walk(A &archive, ht_pattern_binding &binding) {
  walk(archive, binding.name);
  walk(archive, binding.values);
}

template <typename A>
void walk(A &archive, ht_pattern_match &match) {
  walk(archive, match.pattern);
  walk(archive, match.graph);
  walk(archive, match.root);
  walk(archive, match.nodes);
  walk(archive, match.inner);
  halftone::host::walk_array(archive, match.bindings, match.binding_count);
}

template <typename A>
void walk(A &archive, ht_pattern_matches &matches) {
  halftone::host::walk_array(archive, matches.data, matches.size);
}

template <typename A>
void walk(A &archive, ht_statistics &statistics) {
  using halftone::host::walk_optional_array;
  walk(archive, statistics.sample_count);
  walk(archive, statistics.count);
  walk(archive, statistics.zero_count);
  walk(archive, statistics.minimum);
  walk(archive, statistics.maximum);
  walk(archive, statistics.bin_count);
  walk_optional_array(archive, statistics.edges, statistics.bin_count + 1);
  walk_optional_array(archive, statistics.counts, statistics.bin_count);
  walk(archive, statistics.channel_count);
  if constexpr (A::kReading) {
    if (statistics.bin_count > 0 && (statistics.edges == nullptr || statistics.counts == nullptr)) archive.broken();
  }
  const auto channels = [&](auto &data) {
    walk_optional_array(archive, data, statistics.channel_count);
    // Observers look at what they did not ask for no more than at zeros, and never at nothing.
    if constexpr (A::kReading) {
      using T = std::remove_cvref_t<decltype(*data)>;
      if (data == nullptr) data = halftone::host::zeroed<T>(archive.arena, statistics.channel_count);
    }
  };
  channels(statistics.channel_minimum);
  channels(statistics.channel_maximum);
  channels(statistics.channel_sum);
  channels(statistics.channel_square_sum);
  walk(archive, statistics.channel_elements);
  halftone::host::walk_array(archive, statistics.groups, statistics.group_count);
}

template <typename A>
void walk(A &archive, ht_execution_options &options) {
  walk(archive, options.mode);
  walk(archive, options.quantized_weights);
  walk(archive, options.plain);
  walk(archive, options.values);
  walk(archive, options.first);
  walk(archive, options.limit);
  walk(archive, options.sink_bytes);
  walk(archive, options.sink_worker_bytes);
  walk(archive, options.references);
}

template <typename A>
void walk(A &archive, ht_trial_slot &slot) {
  walk(archive, slot.direction);
  walk(archive, slot.node);
  walk(archive, slot.slot);
  walk(archive, slot.count);
  halftone::host::walk_optional_array(archive, slot.spec, 1);
  halftone::host::walk_optional_array(archive, slot.scales, slot.count);
  halftone::host::walk_optional_array(archive, slot.zero_points, slot.count);
}

template <typename A>
void walk(A &archive, ht_trial &trial) {
  halftone::host::walk_array(archive, trial.slots, trial.slot_count);
}

template <typename A>
void walk(A &archive, ht_trial_options &options) {
  walk(archive, options.values);
  halftone::host::walk_array(archive, options.trials, options.trial_count);
  walk(archive, options.first);
  walk(archive, options.limit);
  walk(archive, options.sink_bytes);
  walk(archive, options.sink_worker_bytes);
}
