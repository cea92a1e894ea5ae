// Conv and ConvTranspose of 1 to 3 spatial axes, in groups: oneDNN's primitives of training, channels last.
#include <map>

#include "../operators.h"
#include "../primitives.h"
#include "kernel_step.h"
#include "window.h"

namespace halftone::trainer {
namespace {

Shape spatial(const Shape &shape) {
  return Shape(shape.begin() + 2, shape.end());
}

bool is_reference(std::string_view implementation) {
  return implementation.substr(0, 3) == "ref";
}

// The primitives for one shape of the input.
template <typename Kind>
struct Compiled {
  bool plain = false;  // a form that oneDNN does not take
  Shape out_shape;
  api::Desc weights;  // as they are stored
  struct Layouts {    // of one primitive
    api::Desc src, weights, dst, scratchpad;
  };
  Layouts forward_layouts, data_layouts, filters_layouts;
  typename Kind::Forward::primitive_desc forward;
  typename Kind::Forward forward_primitive;
  typename Kind::BackwardData::primitive_desc data;
  typename Kind::BackwardData data_primitive;
  typename Kind::BackwardWeights::primitive_desc filters;
  typename Kind::BackwardWeights filters_primitive;
  KeptLayout forward_weights, data_weights;
  KeptReorder source, result, arriving_data, data_result, filter_source, arriving_filters, filters_result;
};

// Primitives through oneDNN's reference loops are many times slower than a change of layout.
template <typename Describe>
auto best(const Describe &describe, const api::ConvDescs &channels_last, const api::ConvDescs &free) {
  auto first = describe(channels_last);
  if (!is_reference(first.impl_info_str())) return first;
  auto second = describe(free);
  return is_reference(second.impl_info_str()) ? first : second;
}

template <typename Kind>
class ConvolutionStep final : public StepWithPlainForm {
 public:
  static constexpr bool kTransposed = std::is_same_v<Kind, api::Deconvolution>;
  ConvolutionStep(const sdk::Context &ctx, const sdk::OpNode &node)
      : StepWithPlainForm(ctx, node.node()),
        window_(node),
        group_(node.integer("group", 1)),
        explicit_shape_(kTransposed && (!node.integers("output_shape").empty() || window_.automatic())) {}

  void forward(ShardRun &run) const override;
  void backward(ShardRun &run) const override;
  std::uint64_t reads_outputs() const override { return plain_reads_outputs(); }

 private:
  using Ready = Compiled<Kind>;
  Ready &compiled(ShardRun &run) const;
  std::unique_ptr<Ready> compile(ShardRun &run) const;
  void compile_backward(Ready &ready, const api::ConvDescs &last, const api::ConvDescs &free) const;
  api::Desc stored_weights(const Shape &shape) const;
  std::uint64_t version(const ShardRun &run) const {
    return run.versions == nullptr ? 0 : (*run.versions)[static_cast<std::size_t>(inputs[1])];
  }
  void backward_data(ShardRun &run, Ready &ready, const Tensor &dy) const;
  void backward_weights(ShardRun &run, Ready &ready, const Tensor &dy) const;

  WindowAttributes window_;
  std::int64_t group_;
  bool explicit_shape_;
  mutable std::mutex mutex_;
  mutable std::map<Shape, std::unique_ptr<Ready>> ready_;
};

// oneDNN's order is [groups,] out, in, kernel. ONNX keeps those of transposed convolutions as [in, out / groups, ...].
template <typename Kind>
api::Desc ConvolutionStep<Kind>::stored_weights(const Shape &shape) const {
  const std::int64_t a = shape[0] / group_, b = shape[1];
  const auto taps = static_cast<std::int64_t>(count_of(spatial(shape)));
  api::Dims dims, strides;
  if (group_ > 1) {
    dims.push_back(group_);
    strides.push_back(a * b * taps);
  }
  if (kTransposed) {
    dims.insert(dims.end(), {b, a});
    strides.insert(strides.end(), {taps, b * taps});
  } else {
    dims.insert(dims.end(), {a, b});
    strides.insert(strides.end(), {b * taps, taps});
  }
  std::int64_t stride = taps;
  for (std::size_t i = 2; i < shape.size(); ++i) {
    stride /= shape[i];
    dims.push_back(shape[i]);
    strides.push_back(stride);
  }
  return strided_desc(dims, strides);
}

template <typename Kind>
auto ConvolutionStep<Kind>::compile(ShardRun &run) const -> std::unique_ptr<Ready> {
  const Shape &x = in(run, 0).shape, &w = in(run, 1).shape;
  auto ready = std::make_unique<Ready>();
  ready->out_shape = plain_.out_shape(run);
  const Shape &y = ready->out_shape;
  ready->plain = x.size() < 3 || x.size() > 5 || explicit_shape_ || count_of(x) == 0 || count_of(y) == 0;
  std::optional<api::Window> window;
  if (!ready->plain) {
    window = kTransposed ? window_.resolve(spatial(w), spatial(y), spatial(x))
                         : window_.resolve(spatial(w), spatial(x), spatial(y));
  }
  if (!window) {
    ready->plain = true;
    return ready;
  }
  ready->weights = stored_weights(w);
  const api::Desc any_weights = any_desc(api::dims_of(ready->weights));
  const api::Desc bias = has_in(2) ? desc_of(Shape{y[1]}, Order::kPlain) : api::Desc();
  const api::ConvDescs last{desc_of(x, Order::kChannelsLast), any_weights, bias, desc_of(y, Order::kChannelsLast),
                            *window};
  const api::ConvDescs free{any_desc(x), any_weights, bias, any_desc(y), *window};
  const dnnl::primitive_attr attr = own_scratchpad();
  const auto describe = [&](const api::ConvDescs &d) { return api::forward<Kind>(cpu(), attr, d); };
  ready->forward = best(describe, last, free);
  ready->forward_primitive = typename Kind::Forward(ready->forward);
  ready->forward_layouts = {ready->forward.src_desc(), ready->forward.weights_desc(), ready->forward.dst_desc(),
                            ready->forward.scratchpad_desc()};
  if (backward_runs) compile_backward(*ready, last, free);
  return ready;
}

template <typename Kind>
void ConvolutionStep<Kind>::compile_backward(Ready &ready, const api::ConvDescs &last,
                                             const api::ConvDescs &free) const {
  const dnnl::primitive_attr attr = own_scratchpad();
  const auto data = [&](const api::ConvDescs &d) {
    return api::backward_data<Kind>(cpu(), attr, d, api::forward<Kind>(cpu(), attr, d));
  };
  const auto filters = [&](const api::ConvDescs &d) {
    return api::backward_weights<Kind>(cpu(), attr, d, api::forward<Kind>(cpu(), attr, d));
  };
  if (wanted(0)) {
    ready.data = best(data, last, free);
    ready.data_primitive = typename Kind::BackwardData(ready.data);
    ready.data_layouts = {ready.data.diff_src_desc(), ready.data.weights_desc(), ready.data.diff_dst_desc(),
                          ready.data.scratchpad_desc()};
  }
  if (wanted(1) || wanted(2)) {
    ready.filters = best(filters, last, free);
    ready.filters_primitive = typename Kind::BackwardWeights(ready.filters);
    ready.filters_layouts = {ready.filters.src_desc(), ready.filters.diff_weights_desc(), ready.filters.diff_dst_desc(),
                             ready.filters.scratchpad_desc()};
  }
}

template <typename Kind>
auto ConvolutionStep<Kind>::compiled(ShardRun &run) const -> Ready & {
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<Ready> &known = ready_[in(run, 0).shape];
  if (known == nullptr) known = compile(run);
  return *known;
}

template <typename Kind>
void ConvolutionStep<Kind>::forward(ShardRun &run) const {
  Ready &ready = compiled(run);
  if (ready.plain) return plain_.forward(run);
  const Tensor x = in_order(run.pool, in(run, 0), Order::kChannelsLast);
  const Placed source = ready.source.run(run.pool, placed(x), ready.forward_layouts.src);
  const Placed weights = ready.forward_weights.get(run.pool, {ready.weights, in(run, 1).data},
                                                   ready.forward_layouts.weights, version(run));
  Tensor y = make_tensor(run.pool, HT_F32, ready.out_shape, Order::kChannelsLast);
  const bool direct = ready.forward_layouts.dst == desc_of(y.shape, y.order);
  const Placed target = direct ? placed(y) : make_placed(run.pool, ready.forward_layouts.dst);
  Arguments arguments = {
      {DNNL_ARG_SRC, source.memory()}, {DNNL_ARG_WEIGHTS, weights.memory()}, {DNNL_ARG_DST, target.memory()}};
  if (has_in(2)) arguments.emplace(DNNL_ARG_BIAS, placed(in(run, 2)).memory());
  execute(run.pool, ready.forward_primitive, ready.forward_layouts.scratchpad, std::move(arguments));
  if (!direct) y.data = ready.result.run(run.pool, target, desc_of(y.shape, y.order)).data;
  out(run, 0) = std::move(y);
}

template <typename Kind>
void ConvolutionStep<Kind>::backward(ShardRun &run) const {
  Ready &ready = compiled(run);
  if (ready.plain) return plain_backward(run);
  const Tensor dy = in_order(run.pool, arrived(run, 0), Order::kChannelsLast);
  if (wanted(1) || wanted(2)) backward_weights(run, ready, dy);
  if (wanted(0)) backward_data(run, ready, dy);
}

template <typename Kind>
void ConvolutionStep<Kind>::backward_data(ShardRun &run, Ready &ready, const Tensor &dy) const {
  const Placed arriving = ready.arriving_data.run(run.pool, placed(dy), ready.data_layouts.dst);
  const Placed weights =
      ready.data_weights.get(run.pool, {ready.weights, in(run, 1).data}, ready.data_layouts.weights, version(run));
  Tensor dx = make_tensor(run.pool, HT_F32, in(run, 0).shape, Order::kChannelsLast);
  const Placed target = make_placed(run.pool, ready.data_layouts.src);
  execute(run.pool, ready.data_primitive, ready.data_layouts.scratchpad,
          {{DNNL_ARG_DIFF_DST, arriving.memory()},
           {DNNL_ARG_WEIGHTS, weights.memory()},
           {DNNL_ARG_DIFF_SRC, target.memory()}});
  dx.data = ready.data_result.run(run.pool, target, desc_of(dx.shape, dx.order)).data;
  run.deliver(inputs[0], std::move(dx));
}

template <typename Kind>
void ConvolutionStep<Kind>::backward_weights(ShardRun &run, Ready &ready, const Tensor &dy) const {
  const Tensor x = in_order(run.pool, in(run, 0), Order::kChannelsLast);
  const Placed source = ready.filter_source.run(run.pool, placed(x), ready.filters_layouts.src);
  const Placed arriving = ready.arriving_filters.run(run.pool, placed(dy), ready.filters_layouts.dst);
  const Placed target = make_placed(run.pool, ready.filters_layouts.weights);
  Arguments arguments = {{DNNL_ARG_SRC, source.memory()},
                         {DNNL_ARG_DIFF_DST, arriving.memory()},
                         {DNNL_ARG_DIFF_WEIGHTS, target.memory()}};
  Tensor bias;
  if (has_in(2)) {
    bias = make_tensor(run.pool, HT_F32, in(run, 2).shape);
    arguments.emplace(DNNL_ARG_DIFF_BIAS, placed(bias).memory());
  }
  execute(run.pool, ready.filters_primitive, ready.filters_layouts.scratchpad, std::move(arguments));
  if (wanted(1)) {
    Tensor dw;
    dw.dtype = HT_F32;
    dw.shape = in(run, 1).shape;
    dw.data = ready.filters_result.run(run.pool, target, ready.weights).data;
    run.deliver(inputs[1], std::move(dw));
  }
  if (wanted(2)) run.deliver(inputs[2], std::move(bias));
}

template <typename Kind>
std::unique_ptr<Step> make(const sdk::Context &ctx, const sdk::OpNode &node) {
  return std::make_unique<ConvolutionStep<Kind>>(ctx, node);
}

const OperatorEntry kConv("Conv", &make<api::Convolution>);
const OperatorEntry kConvTranspose("ConvTranspose", &make<api::Deconvolution>);

}  // namespace
}  // namespace halftone::trainer
