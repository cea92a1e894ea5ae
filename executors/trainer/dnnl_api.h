// oneDNN's primitives of training with the differences between its 2.x and 3.x interfaces taken out. Nothing else here
// includes dnnl.hpp.
#pragma once

#include <dnnl.hpp>

#include <cstdint>
#include <vector>

namespace halftone::trainer::api {

using dnnl::algorithm;
using dnnl::engine;
using dnnl::memory;
using dnnl::primitive_attr;
using Desc = dnnl::memory::desc;
using Dims = dnnl::memory::dims;
inline constexpr auto kF32 = dnnl::memory::data_type::f32;
inline constexpr auto kTraining = dnnl::prop_kind::forward_training;

inline Dims dims_of(const Desc &desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_dims();
#else
  return desc.dims();
#endif
}

struct Window {
  Dims strides, dilations, pads_begin, pads_end;  // dilations as oneDNN counts them (0: none)
};

// The three primitives of a convolution or a transposed one.
struct Convolution {
  using Forward = dnnl::convolution_forward;
  using BackwardData = dnnl::convolution_backward_data;
  using BackwardWeights = dnnl::convolution_backward_weights;
  static constexpr auto kDirect = algorithm::convolution_direct;
};
struct Deconvolution {
  using Forward = dnnl::deconvolution_forward;
  using BackwardData = dnnl::deconvolution_backward_data;
  using BackwardWeights = dnnl::deconvolution_backward_weights;
  static constexpr auto kDirect = algorithm::deconvolution_direct;
};

struct ConvDescs {
  Desc src, weights, bias, dst;  // bias: empty where there is none
  Window window;
};

template <typename Kind>
typename Kind::Forward::primitive_desc forward(const engine &e, const primitive_attr &attr, const ConvDescs &d) {
  const Window &w = d.window;
#if DNNL_VERSION_MAJOR >= 3
  return {e,     kTraining, Kind::kDirect, d.src,        d.weights,  d.bias,
          d.dst, w.strides, w.dilations,   w.pads_begin, w.pads_end, attr};
#else
  const typename Kind::Forward::desc desc(kTraining, Kind::kDirect, d.src, d.weights, d.bias, d.dst, w.strides,
                                          w.dilations, w.pads_begin, w.pads_end);
  return {desc, attr, e};
#endif
}

template <typename Kind>
typename Kind::BackwardData::primitive_desc backward_data(const engine &e, const primitive_attr &attr,
                                                          const ConvDescs &d,
                                                          const typename Kind::Forward::primitive_desc &hint) {
  const Window &w = d.window;
#if DNNL_VERSION_MAJOR >= 3
  return {e, Kind::kDirect, d.src, d.weights, d.dst, w.strides, w.dilations, w.pads_begin, w.pads_end, hint, attr};
#else
  const typename Kind::BackwardData::desc desc(Kind::kDirect, d.src, d.weights, d.dst, w.strides, w.dilations,
                                               w.pads_begin, w.pads_end);
  return {desc, attr, e, hint};
#endif
}

template <typename Kind>
typename Kind::BackwardWeights::primitive_desc backward_weights(const engine &e, const primitive_attr &attr,
                                                                const ConvDescs &d,
                                                                const typename Kind::Forward::primitive_desc &hint) {
  const Window &w = d.window;
#if DNNL_VERSION_MAJOR >= 3
  return {e,         Kind::kDirect, d.src,        d.weights,  d.bias, d.dst,
          w.strides, w.dilations,   w.pads_begin, w.pads_end, hint,   attr};
#else
  const typename Kind::BackwardWeights::desc desc(Kind::kDirect, d.src, d.weights, d.bias, d.dst, w.strides,
                                                  w.dilations, w.pads_begin, w.pads_end);
  return {desc, attr, e, hint};
#endif
}

inline dnnl::matmul::primitive_desc matmul(const engine &e, const primitive_attr &attr, const Desc &a, const Desc &b,
                                           const Desc &dst) {
#if DNNL_VERSION_MAJOR >= 3
  return {e, a, b, dst, attr};
#else
  return {dnnl::matmul::desc(a, b, dst), attr, e};
#endif
}

inline dnnl::reorder::primitive_desc reorder(const engine &e, const primitive_attr &attr, const Desc &from,
                                             const Desc &to) {
  return {e, from, e, to, attr};
}

// Without the table that dnnl::primitive::execute() makes of its arguments.
inline void execute(const dnnl::primitive &primitive, const dnnl::stream &stream,
                    const std::vector<dnnl_exec_arg_t> &arguments) {
  dnnl::error::wrap_c_api(
      dnnl_primitive_execute(primitive.get(), stream.get(), static_cast<int>(arguments.size()), arguments.data()),
      "could not execute a primitive");
}

}  // namespace halftone::trainer::api
