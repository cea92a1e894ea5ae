// oneDNN with the differences between its 2.x and 3.x interfaces taken out. Nothing else here includes dnnl.hpp.
#pragma once

#include <dnnl.hpp>

#include <cstdint>
#include <vector>

namespace halftone::onednn::api {

using dnnl::algorithm;
using dnnl::engine;
using dnnl::memory;
using dnnl::primitive_attr;
using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;
inline constexpr auto kF32 = dnnl::memory::data_type::f32;
inline constexpr auto kInference = dnnl::prop_kind::forward_inference;

// How a descriptor lies in memory: strides of the outer blocks, and the inner blocks from the outside in.
struct Blocking {
  Dims dims, padded, strides;
  std::vector<std::int64_t> inner_sizes, inner_axes;
};

#if DNNL_VERSION_MAJOR >= 3
inline Dims dims_of(const Desc &d) {
  return d.get_dims();
}
inline bool is_blocked_kind(const Desc &d) {
  return d.get_format_kind() == memory::format_kind::blocked;
}
inline Blocking blocking_of(const Desc &d) {
  return {d.get_dims(), d.get_padded_dims(), d.get_strides(), d.get_inner_blks(), d.get_inner_idxs()};
}
#else
inline Dims dims_of(const Desc &d) {
  return d.dims();
}
inline bool is_blocked_kind(const Desc &d) {
  return d.data.format_kind == dnnl_blocked;
}
inline Blocking blocking_of(const Desc &d) {
  const dnnl_memory_desc_t &raw = d.data;
  const dnnl_blocking_desc_t &b = raw.format_desc.blocking;
  return {Dims(raw.dims, raw.dims + raw.ndims),
          Dims(raw.padded_dims, raw.padded_dims + raw.ndims),
          Dims(b.strides, b.strides + raw.ndims),
          {b.inner_blks, b.inner_blks + b.inner_nblks},
          {b.inner_idxs, b.inner_idxs + b.inner_nblks}};
}
#endif

// The geometry of a convolution, a transposed one or a pooling; dilations as oneDNN counts them (0: none).
struct Window {
  Dims kernel, strides, dilations, pads_begin, pads_end;
};

// `bias` is an empty descriptor where there is none.
template <typename Convolution>  // dnnl::convolution_forward or dnnl::deconvolution_forward
typename Convolution::primitive_desc convolution(const engine &e, const primitive_attr &attr, algorithm alg,
                                                 const Desc &src, const Desc &weights, const Desc &bias,
                                                 const Desc &dst, const Window &w) {
#if DNNL_VERSION_MAJOR >= 3
  return {e, kInference, alg, src, weights, bias, dst, w.strides, w.dilations, w.pads_begin, w.pads_end, attr};
#else
  const typename Convolution::desc desc(kInference, alg, src, weights, bias, dst, w.strides, w.dilations, w.pads_begin,
                                        w.pads_end);
  return {desc, attr, e};
#endif
}

#if DNNL_VERSION_MAJOR >= 3
using Pooling = dnnl::pooling_forward;
using Softmax = dnnl::softmax_forward;
#else
using Pooling = dnnl::pooling_v2_forward;
using Softmax = dnnl::softmax_forward;
#endif

inline Pooling::primitive_desc pooling(const engine &e, const primitive_attr &attr, algorithm alg, const Desc &src,
                                       const Desc &dst, const Window &w) {
#if DNNL_VERSION_MAJOR >= 3
  return {e, kInference, alg, src, dst, w.strides, w.kernel, w.dilations, w.pads_begin, w.pads_end, attr};
#else
  return {Pooling::desc(kInference, alg, src, dst, w.strides, w.kernel, w.dilations, w.pads_begin, w.pads_end), attr,
          e};
#endif
}

inline dnnl::eltwise_forward::primitive_desc eltwise(const engine &e, const primitive_attr &attr, algorithm alg,
                                                     const Desc &data, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  return {e, kInference, alg, data, data, alpha, beta, attr};
#else
  return {dnnl::eltwise_forward::desc(kInference, alg, data, alpha, beta), attr, e};
#endif
}

inline Softmax::primitive_desc softmax(const engine &e, const primitive_attr &attr, const Desc &data, int axis) {
#if DNNL_VERSION_MAJOR >= 3
  return {e, kInference, algorithm::softmax_accurate, data, data, axis, attr};
#else
  return {Softmax::desc(kInference, data, axis), attr, e};
#endif
}

inline dnnl::binary::primitive_desc binary(const engine &e, const primitive_attr &attr, algorithm alg, const Desc &a,
                                           const Desc &b, const Desc &dst) {
#if DNNL_VERSION_MAJOR >= 3
  return {e, alg, a, b, dst, attr};
#else
  return {dnnl::binary::desc(alg, a, b, dst), attr, e};
#endif
}

inline dnnl::matmul::primitive_desc matmul(const engine &e, const primitive_attr &attr, const Desc &a, const Desc &b,
                                           const Desc &bias, const Desc &dst) {
#if DNNL_VERSION_MAJOR >= 3
  return {e, a, b, bias, dst, attr};
#else
  if (bias.data.ndims == 0) return {dnnl::matmul::desc(a, b, dst), attr, e};
  return {dnnl::matmul::desc(a, b, bias, dst), attr, e};
#endif
}

inline dnnl::lrn_forward::primitive_desc lrn(const engine &e, const primitive_attr &attr, const Desc &data,
                                             std::int64_t size, float alpha, float beta, float k) {
#if DNNL_VERSION_MAJOR >= 3
  return {e, kInference, algorithm::lrn_across_channels, data, data, size, alpha, beta, k, attr};
#else
  return {dnnl::lrn_forward::desc(kInference, algorithm::lrn_across_channels, data, size, alpha, beta, k), attr, e};
#endif
}

inline void append_eltwise(dnnl::post_ops &ops, algorithm alg, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(alg, alpha, beta);
#else
  ops.append_eltwise(1.0F, alg, alpha, beta);
#endif
}

}  // namespace halftone::onednn::api
