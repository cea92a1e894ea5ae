// Conv and ConvTranspose of 1 to 3 spatial axes, in groups: oneDNN's primitives of training, channels last.
#include <map>

#include "../kernels/sums.h"
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

// The gradient of a weight as a primitive leaves it.
class FilterLayout final : public Packing {
 public:
  FilterLayout(api::Desc packed, const api::Desc &stored) : packed_(std::move(packed)), conversion_(packed_, stored) {}
  const api::Desc &packed() const { return packed_; }
  bool is_packed() const { return conversion_.changes(); }
  std::size_t count() const override { return packed_.get_size() / sizeof(float); }
  void unpack(const Pool &pool, const float *from, float *to) const override { conversion_.run(pool, from, to); }

 private:
  api::Desc packed_;
  Conversion conversion_;
};

// One primitive, and the changes of layout around it.
struct Stage {
  Call call;
  Conversion first, second, result;
};

// The primitives for one shape of the input.
struct Compiled {
  bool plain = false;  // a form that oneDNN does not take
  Shape out_shape;
  api::Desc weights;  // as they are stored
  Stage forward, data, filters;
  KeptLayout forward_weights, data_weights;
  const FilterLayout *filter_layout = nullptr;
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
  using Ready = Compiled;
  Ready &compiled(ShardRun &run) const;
  std::unique_ptr<Ready> compile(ShardRun &run) const;
  void compile_data(Ready &ready, const api::ConvDescs &last, const api::ConvDescs &free) const;
  void compile_filters(Ready &ready, const api::ConvDescs &last, const api::ConvDescs &free) const;
  const FilterLayout *filter_layout(const api::Desc &packed, const api::Desc &stored) const;
  api::Desc stored_weights(const Shape &shape) const;
  std::uint64_t version(const ShardRun &run) const {
    return run.versions == nullptr ? 0 : (*run.versions)[static_cast<std::size_t>(inputs[1])];
  }
  void backward_data(ShardRun &run, Ready &ready, const Tensor &dy) const;
  void backward_weights(ShardRun &run, const Ready &ready, const Tensor &dy) const;
  void backward_bias(ShardRun &run, const Tensor &dy) const;

  WindowAttributes window_;
  std::int64_t group_;
  bool explicit_shape_;
  mutable std::mutex mutex_;
  mutable std::map<Shape, std::unique_ptr<Ready>> ready_;
  // Gradients of all shards have to name the same one, also where their shapes differ.
  mutable std::vector<std::unique_ptr<FilterLayout>> filter_layouts_;
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
  const auto desc = best([&](const api::ConvDescs &d) { return api::forward<Kind>(cpu(), attr, d); }, last, free);
  std::vector<Call::Argument> arguments = {
      {DNNL_ARG_SRC, desc.src_desc()}, {DNNL_ARG_WEIGHTS, desc.weights_desc()}, {DNNL_ARG_DST, desc.dst_desc()}};
  if (has_in(2)) arguments.push_back({DNNL_ARG_BIAS, bias});
  ready->forward.call = Call(typename Kind::Forward(desc), desc.scratchpad_desc(), std::move(arguments));
  ready->forward.first = Conversion(last.src, desc.src_desc());
  ready->forward.result = Conversion(desc.dst_desc(), last.dst);
  ready->forward_weights.set(ready->weights, desc.weights_desc());
  if (wanted(0)) compile_data(*ready, last, free);
  if (wanted(1)) compile_filters(*ready, last, free);
  return ready;
}

template <typename Kind>
void ConvolutionStep<Kind>::compile_data(Ready &ready, const api::ConvDescs &last, const api::ConvDescs &free) const {
  const dnnl::primitive_attr attr = own_scratchpad();
  const auto describe = [&](const api::ConvDescs &d) {
    return api::backward_data<Kind>(cpu(), attr, d, api::forward<Kind>(cpu(), attr, d));
  };
  const auto desc = best(describe, last, free);
  ready.data.call = Call(typename Kind::BackwardData(desc), desc.scratchpad_desc(),
                         {{DNNL_ARG_DIFF_DST, desc.diff_dst_desc()},
                          {DNNL_ARG_WEIGHTS, desc.weights_desc()},
                          {DNNL_ARG_DIFF_SRC, desc.diff_src_desc()}});
  ready.data.first = Conversion(last.dst, desc.diff_dst_desc());
  ready.data.result = Conversion(desc.diff_src_desc(), last.src);
  ready.data_weights.set(ready.weights, desc.weights_desc());
}

// Without the bias: a sum of rows on its own takes a fraction of what the primitive takes for it.
template <typename Kind>
void ConvolutionStep<Kind>::compile_filters(Ready &ready, const api::ConvDescs &last,
                                            const api::ConvDescs &free) const {
  const dnnl::primitive_attr attr = own_scratchpad();
  const auto describe = [&](api::ConvDescs d) {
    d.bias = api::Desc();
    return api::backward_weights<Kind>(cpu(), attr, d, api::forward<Kind>(cpu(), attr, d));
  };
  const auto desc = best(describe, last, free);
  ready.filters.call = Call(typename Kind::BackwardWeights(desc), desc.scratchpad_desc(),
                            {{DNNL_ARG_SRC, desc.src_desc()},
                             {DNNL_ARG_DIFF_DST, desc.diff_dst_desc()},
                             {DNNL_ARG_DIFF_WEIGHTS, desc.diff_weights_desc()}});
  ready.filters.first = Conversion(last.src, desc.src_desc());
  ready.filters.second = Conversion(last.dst, desc.diff_dst_desc());
  ready.filter_layout = filter_layout(desc.diff_weights_desc(), ready.weights);
}

template <typename Kind>
const FilterLayout *ConvolutionStep<Kind>::filter_layout(const api::Desc &packed, const api::Desc &stored) const {
  for (const auto &known : filter_layouts_) {
    if (known->packed() == packed) return known.get();
  }
  filter_layouts_.push_back(std::make_unique<FilterLayout>(packed, stored));
  return filter_layouts_.back().get();
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
  const Tensor &x = put_in_order(run, 0, Order::kChannelsLast);
  const auto source = ready.forward.first.run(run.pool, x.data);
  const auto weights = ready.forward_weights.get(run.pool, in_order(run.pool, in(run, 1), Order::kPlain), version(run));
  Tensor y;
  y.dtype = HT_F32;
  y.order = Order::kChannelsLast;
  y.shape = ready.out_shape;
  y.data = run.pool.take(ready.forward.result.source_bytes());
  if (has_in(2)) {
    ready.forward.call.run(run.pool, {source.get(), weights.get(), y.data.get(), in(run, 2).data.get()});
  } else {
    ready.forward.call.run(run.pool, {source.get(), weights.get(), y.data.get()});
  }
  y.data = ready.forward.result.run(run.pool, y.data);
  out(run, 0) = std::move(y);
}

template <typename Kind>
void ConvolutionStep<Kind>::backward(ShardRun &run) const {
  Ready &ready = compiled(run);
  if (ready.plain) return plain_backward(run);
  const Tensor dy = in_order(run.pool, arrived(run, 0), Order::kChannelsLast);
  if (wanted(2)) backward_bias(run, dy);
  if (wanted(1)) backward_weights(run, ready, dy);
  if (wanted(0)) backward_data(run, ready, dy);
}

template <typename Kind>
void ConvolutionStep<Kind>::backward_data(ShardRun &run, Ready &ready, const Tensor &dy) const {
  const auto arriving = ready.data.first.run(run.pool, dy.data);
  const auto weights = ready.data_weights.get(run.pool, in_order(run.pool, in(run, 1), Order::kPlain), version(run));
  Tensor dx;
  dx.dtype = HT_F32;
  dx.order = Order::kChannelsLast;
  dx.shape = in(run, 0).shape;
  dx.data = run.pool.take(ready.data.result.source_bytes());
  ready.data.call.run(run.pool, {arriving.get(), weights.get(), dx.data.get()});
  dx.data = ready.data.result.run(run.pool, dx.data);
  run.deliver(inputs[0], std::move(dx));
}

template <typename Kind>
void ConvolutionStep<Kind>::backward_weights(ShardRun &run, const Ready &ready, const Tensor &dy) const {
  const Tensor x = in_order(run.pool, in(run, 0), Order::kChannelsLast);
  const auto source = ready.filters.first.run(run.pool, x.data);
  const auto arriving = ready.filters.second.run(run.pool, dy.data);
  const FilterLayout &layout = *ready.filter_layout;
  Tensor dw;
  dw.dtype = HT_F32;
  dw.shape = in(run, 1).shape;
  dw.data = run.pool.take(layout.count() * sizeof(float));
  ready.filters.call.run(run.pool, {source.get(), arriving.get(), dw.data.get()});
  if (layout.is_packed()) dw.packing = &layout;
  // Shards of a parameter's gradient are added as they lie. What flows on, to where a weight is computed, is plain.
  run.deliver(inputs[1], version(run) != 0 ? std::move(dw) : unpacked(run.pool, dw));
}

template <typename Kind>
void ConvolutionStep<Kind>::backward_bias(ShardRun &run, const Tensor &dy) const {
  Tensor bias = make_tensor(run.pool, HT_F32, in(run, 2).shape);
  const std::size_t channels = bias.count();
  sum_of_rows(dy.floats(), dy.count() / channels, channels, bias.floats());
  run.deliver(inputs[2], std::move(bias));
}

const OperatorEntry kConv("Conv", &make_step<ConvolutionStep<api::Convolution>>);
const OperatorEntry kConvTranspose("ConvTranspose", &make_step<ConvolutionStep<api::Deconvolution>>);

}  // namespace
}  // namespace halftone::trainer
