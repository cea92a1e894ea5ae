#include <algorithm>
#include <set>

#include "codes.h"
#include "forms.h"
#include "part.h"
#include "plan.h"
#include "products.h"
#include "tables.h"

namespace halftone::integer {

namespace {

class Builder {
 public:
  Builder(const sdk::Context &ctx, const PlanOptions &plan_options, Part part)
      : ctx_(ctx), graph_(ctx), configs_(ctx), plan_options_(plan_options), part_(std::move(part)) {
    fed_.insert(part_.inputs.begin(), part_.inputs.end());
    given_.insert(part_.results.begin(), part_.results.end());
    for (const ht_handle value : part_.emits) {
      if (!part_.is_inner(graph_, value)) emitted_.insert(value);
    }
    given_.insert(emitted_.begin(), emitted_.end());
  }
  // The codes of a value that a body reads from around it: floats on this grid come in.
  void expect(ht_handle value, const std::optional<Format> &format) { formats_[define(value)] = format; }

  Plan build() {
    for (const ht_handle value : part_.inputs) plan_.inputs.push_back(define(value));
    const std::vector<ht_handle> nodes = needed_nodes(graph_, part_);
    needed_.insert(nodes.begin(), nodes.end());
    for (const ht_handle node : nodes) {
      if (!absorbed_.contains(node)) add_step(graph_.node(node));
    }
    for (const ht_handle value : part_.results) plan_.results.push_back(read(value));
    std::vector<std::pair<std::size_t, ht_handle>> emits;
    for (const ht_handle value : emitted_) emits.emplace_back(read(value), value);
    plan_.emitted.resize(numbers_.size(), HT_NONE);
    for (const auto &[number, value] : emits) plan_.emitted[number] = value;
    mark_last_uses();
    plan_.has_fast_steps = plan_options_.fast != nullptr;
    return std::move(plan_);
  }

 private:
  std::size_t define(ht_handle value) {
    const auto [at, added] = numbers_.emplace(value, numbers_.size());
    if (added) formats_.emplace_back();
    return at->second;
  }
  // The number of a value that must exist already: an input, an output of a step, or an initializer, copied now.
  std::size_t read(ht_handle value) {
    if (const auto known = numbers_.find(value); known != numbers_.end()) return known->second;
    const auto tensor = graph_.initializer(value);
    if (!tensor) {
      throw sdk::Failure(
          HT_INVALID_ARGUMENT,
          "value '" + std::string(graph_.value(value).name()) + "' is needed and is not among the inputs", value);
    }
    const std::size_t number = define(value);
    plan_.initializers.emplace(number, Tensor(*tensor));
    return number;
  }

  bool is_parameter(ht_handle value) const { return !fed_.contains(value) && graph_.value(value).is_initializer(); }
  bool may_be_float(ht_handle value) const {
    const ht_dtype dtype = graph_.value(value).info.type.dtype;
    return dtype == HT_F32 || dtype == HT_DTYPE_NONE;
  }

  // The codes that an input slot gets: its own quantizer's, or those in which the value is held.
  std::optional<Format> input_format(const sdk::Node &node, std::uint32_t i) const {
    const ht_handle value = node.input(i);
    if (value == HT_NONE || is_parameter(value) || !may_be_float(value)) return std::nullopt;
    if (const auto q = quantizer_of(configs_, configs_.input(node.handle, i))) return q->format();
    const auto known = numbers_.find(value);
    return known == numbers_.end() ? std::nullopt : formats_[known->second];
  }

  void add_step(const sdk::Node &node) {
    if (sdk::has_bodies(node)) return add_flow(node);
    Step step;
    step.node = node.handle;
    step.kernel = std::make_unique<Kernel>(ctx_, node.handle);
    for (std::uint32_t i = 0; i < node.inputs().size(); ++i) step.inputs.push_back(input_slot(node, i));
    for (std::uint32_t i = 0; i < node.outputs().size(); ++i) step.outputs.push_back(output_slot(node, i));
    const bool sums = choose_products(node, step);
    if (!sums) read_parameters(node, step);
    if (!sums && !choose_moved(node, step) && !choose_mean(node, step) && !choose_added(node, step) &&
        !choose_pairs(node, step) && !choose_table(node, step) && is_about_indices(node)) {
      step.form = Form::kOther;
    }
    for (OutputSlot &slot : step.outputs) {
      if (slot.value != kNoValue) formats_[slot.value] = slot.codes;
    }
    if (plan_options_.fast != nullptr) step.fast = plan_options_.fast(ctx_, node, step);
    for (const std::size_t i : {0U, 1U}) {
      if (sums && step.products->operands[i]) step.products->operands[i]->settle();
    }
    plan_.steps.push_back(std::move(step));
  }

  // If, Loop and Scan: floats go in and come out; each body is a plan of its own.
  void add_flow(const sdk::Node &node) {
    Step step;
    step.node = node.handle;
    step.form = Form::kBodies;
    auto flow = std::make_shared<Flow>(Flow{sdk::ControlFlow(sdk::OpNode(ctx_, node.handle)), {}, {}});
    for (const ht_handle graph : sdk::body_graphs(graph_, node.handle)) {
      sdk::Body body = sdk::read_body(graph_, graph, part_.emits, [&](ht_handle value) { return is_parameter(value); });
      std::vector<std::size_t> &captured = flow->captured.emplace_back();
      for (const ht_handle value : body.captured) captured.push_back(read(value));
      body.inputs.insert(body.inputs.end(), body.captured.begin(), body.captured.end());
      Builder inner(ctx_, plan_options_,
                    {graph, std::move(body.inputs), std::move(body.tapped), std::move(body.outputs)});
      for (const ht_handle value : body.captured) inner.expect(value, formats_[read(value)]);
      flow->bodies.push_back(inner.build());
    }
    step.flow = std::move(flow);
    for (std::uint32_t i = 0; i < node.inputs().size(); ++i) {
      step.inputs.push_back(input_slot(node, i));
      if (node.input(i) != HT_NONE && is_parameter(node.input(i))) step.inputs[i].value = read(node.input(i));
    }
    for (std::uint32_t i = 0; i < node.outputs().size(); ++i) {
      step.outputs.push_back(output_slot(node, i));
      if (step.outputs[i].value != kNoValue) formats_[step.outputs[i].value] = step.outputs[i].codes;
    }
    plan_.steps.push_back(std::move(step));
  }

  InputSlot input_slot(const sdk::Node &node, std::uint32_t i) {
    InputSlot slot;
    const ht_handle value = node.input(i);
    if (value == HT_NONE || is_parameter(value)) return slot;  // see read_parameters()
    slot.value = read(value);
    slot.quantizer = quantizer_of(configs_, configs_.input(node.handle, i));
    return slot;
  }

  // For forms other than sums of products, which hold parameters in a form of their own.
  void read_parameters(const sdk::Node &node, Step &step) {
    for (std::uint32_t i = 0; i < step.inputs.size(); ++i) {
      const ht_handle value = node.input(i);
      if (value == HT_NONE || !is_parameter(value)) continue;
      const auto q = quantizer_of(configs_, configs_.input(node.handle, i));
      if (!q) {
        step.inputs[i].value = read(value);
        continue;
      }
      const auto stored = graph_.initializer(value);
      if (!stored) throw sdk::Failure(HT_INTERNAL, "an initializer without tensor", value);
      step.inputs[i].constant = std::make_unique<Tensor>(*stored);
      if (stored->dtype != HT_F32 || count_of(*stored) == 0) continue;
      const ht_quantizer quantizer = q->view();
      ht_tensor_view view = step.inputs[i].constant->view();
      sdk::check(ctx_.host.arithmetic->fake_quantize(ctx_.raw, &quantizer, &view, &view));
    }
  }

  OutputSlot output_slot(const sdk::Node &node, std::uint32_t i) {
    OutputSlot slot;
    const ht_handle value = node.output(i);
    if (value == HT_NONE) return slot;
    if (!fed_.contains(value)) slot.value = define(value);
    const auto q = quantizer_of(configs_, configs_.output(node.handle, i));
    if (!q || !may_be_float(value)) return slot;
    slot.codes = q->format();
    if (!slot.codes) slot.quantizer = q;
    return slot;
  }

  bool choose_products(const sdk::Node &node, Step &step) {
    step.products = make_products({ctx_, node, [&](ht_handle v) { return is_parameter(v); },
                                   [&](std::uint32_t i) { return input_format(node, i); }, plan_options_.multiplier});
    if (!step.products) return false;
    step.form = Form::kSums;
    for (const std::uint32_t i : {0U, 1U}) step.inputs[i].codes = input_format(node, i);
    const std::optional<Limits> limits = limits_behind(node, step);
    if (limits) requantize_to(*step.products, *step.outputs[0].codes, *limits, plan_options_.multiplier);
    return true;
  }

  // Relu or Clip right behind, whose output is quantized where that of the sum is not: it becomes limits of the codes.
  std::optional<Limits> absorb_activation(const sdk::Node &node, Step &step) {
    const ht_handle value = node.output(0);
    const auto use = graph_.sole_consumer(value);
    if (!use || use->slot != 0 || given_.contains(value) || fed_.contains(value) || !needed_.contains(use->node))
      return std::nullopt;
    const sdk::Node next = graph_.node(use->node);
    if (next.output(0) == HT_NONE || fed_.contains(next.output(0)) ||
        quantizer_of(configs_, configs_.input(next.handle, 0)))
      return std::nullopt;
    const auto q = quantizer_of(configs_, configs_.output(next.handle, 0));
    const auto format = q ? q->format() : std::nullopt;
    if (!format) return std::nullopt;
    const auto limits = limits_of(ctx_, next, *format);
    if (!limits) return std::nullopt;
    absorbed_.insert(next.handle);
    step.fused.push_back(next.handle);
    step.outputs[0] = output_slot(next, 0);
    return limits;
  }

  bool choose_moved(const sdk::Node &node, Step &step) const {
    const auto format = input_format(node, 0);
    if (!format || !moves_values(graph_, node)) return false;
    for (std::uint32_t i = 0; node.is("Concat") && i < step.inputs.size(); ++i) {
      const auto other = input_format(node, i);
      if (!other || !other->same_grid(*format)) return choose_joined(node, step);
    }
    for (const OutputSlot &slot : step.outputs) {
      if (slot.quantizer || (slot.codes && !slot.codes->same_grid(*format))) return choose_joined(node, step);
    }
    step.form = Form::kMoved;
    step.carried = carries_codes(node);
    if (step.carried && node.is("Pad")) {
      step.fill = std::make_unique<Tensor>(format->dtype, std::span<const std::int64_t>());
      store_codes(*step.fill, [&](std::int64_t) { return format->zero; });
    }
    for (std::uint32_t i = 0; i < (node.is("Concat") ? step.inputs.size() : 1); ++i) step.inputs[i].codes = *format;
    for (std::uint32_t i = 0; i < step.outputs.size(); ++i) {
      // Indices of MaxPool and the mask of Dropout are no values of the input.
      if (i == 0 || node.is("Split")) step.outputs[i].codes = *format;
    }
    return true;
  }

  // Concat of bytes on different grids: each input is brought to the grid of the output by a table.
  bool choose_joined(const sdk::Node &node, Step &step) const {
    if (!node.is("Concat") || !step.outputs[0].codes || !has_table(*step.outputs[0].codes)) return false;
    std::vector<Format> formats;
    for (std::uint32_t i = 0; i < step.inputs.size(); ++i) {
      const auto format = input_format(node, i);
      if (!format || !has_table(*format)) return false;
      formats.push_back(*format);
    }
    for (std::size_t i = 0; i < formats.size(); ++i) {
      step.inputs[i].codes = formats[i];
      step.tables.push_back(table_of(ctx_, formats[i], *step.outputs[0].codes, nullptr));
    }
    step.form = Form::kMoved;
    step.carried = true;
    return true;
  }

  bool choose_table(const sdk::Node &node, Step &step) const {
    const auto format = input_format(node, 0);
    if (!format || !has_table(*format) || !is_function_of_one(node) || !step.outputs[0].codes) return false;
    step.form = Form::kTable;
    step.inputs[0].codes = *format;
    step.tables.push_back(table_of(ctx_, *format, *step.outputs[0].codes, step.kernel.get()));
    return true;
  }

  bool choose_mean(const sdk::Node &node, Step &step) const {
    const auto format = input_format(node, 0);
    if (!format || !takes_mean(node) || !step.outputs[0].codes) return false;
    step.form = Form::kMean;
    step.inputs[0].codes = *format;
    const Format &to = *step.outputs[0].codes;
    step.rescale.emplace(plan_options_.multiplier, std::vector{double{format->scale} / double{to.scale}},
                         std::vector<double>{}, to, Limits{to.low, to.high});
    return true;
  }

  // As TensorFlow Lite adds: both sides in units of 2^-20 of twice the larger scale.
  bool choose_added(const sdk::Node &node, Step &step) {
    const bool add = node.is("Add") || node.is("Sub");
    if (!add || !is_fixed(plan_options_.multiplier)) return false;
    const auto a = input_format(node, 0), b = input_format(node, 1);
    if (!a || !b) return false;
    const auto limits = limits_behind(node, step);
    if (!limits) return false;
    step.form = Form::kAdded;
    const double unit = 2 * std::max(double{a->scale}, double{b->scale}) / 1048576.0;
    for (const std::uint32_t i : {0U, 1U}) {
      step.inputs[i].codes = i == 0 ? a : b;
      step.rescale_inputs.emplace_back(FixedPoint(double{step.inputs[i].codes->scale} / unit / 1048576.0),
                                       plan_options_.multiplier);
    }
    const Format &to = *step.outputs[0].codes;
    step.rescale.emplace(plan_options_.multiplier, std::vector{unit / double{to.scale}}, std::vector<double>{}, to,
                         *limits);
    return true;
  }

  bool choose_pairs(const sdk::Node &node, Step &step) {
    if (!combines_values(node)) return false;
    bool any = false;
    for (const std::uint32_t i : {0U, 1U}) {
      step.inputs[i].codes = input_format(node, i);
      if (!step.inputs[i].codes && !step.inputs[i].constant) return false;
      any = any || step.inputs[i].codes;
    }
    if (!any) return false;
    step.limits = limits_behind(node, step);
    if (step.limits) step.form = Form::kPairs;
    return step.limits.has_value();
  }

  // The codes that the output may take: its own, or those of an activation right behind. Nullopt where it is no codes.
  std::optional<Limits> limits_behind(const sdk::Node &node, Step &step) {
    const OutputSlot &out = step.outputs[0];
    if (out.codes) return Limits{out.codes->low, out.codes->high};
    return out.quantizer ? std::nullopt : absorb_activation(node, step);
  }

  bool is_about_indices(const sdk::Node &node) {
    bool indices = gives_indices(node), any = false;
    if (!indices) {
      indices = true;
      for (const ht_handle value : node.inputs()) {
        if (value == HT_NONE || is_parameter(value)) continue;
        any = true;
        indices = indices && indices_.contains(value);
      }
      indices = indices && any;
    }
    for (const ht_handle value : node.outputs()) {
      if (indices && value != HT_NONE) indices_.insert(value);
    }
    return indices;
  }

  void mark_last_uses() {
    std::set<std::size_t> later(plan_.results.begin(), plan_.results.end());
    for (std::size_t i = plan_.steps.size(); i-- > 0;) {
      Step &step = plan_.steps[i];
      const auto used = [&](std::size_t value) {
        if (value == kNoValue || plan_.initializers.contains(value)) return;
        if (later.insert(value).second) step.dead_after.push_back(value);
      };
      for (const InputSlot &slot : step.inputs) used(slot.value);
      for (std::size_t k = 0; step.flow && k < step.flow->captured.size(); ++k) {
        for (const std::size_t value : step.flow->captured[k]) used(value);
      }
      for (const OutputSlot &slot : step.outputs) used(slot.value);  // what nobody reads dies at once
    }
  }

  const sdk::Context &ctx_;
  sdk::Graph graph_;
  sdk::Configs configs_;
  const PlanOptions &plan_options_;
  Part part_;
  std::set<ht_handle> fed_, emitted_, needed_, absorbed_, indices_;
  std::set<ht_handle> given_;  // what is emitted, and the results of a body
  std::map<ht_handle, std::size_t> numbers_;
  std::vector<std::optional<Format>> formats_;  // by value: how it is held
  Plan plan_;
};

}  // namespace

Plan build_plan(const sdk::Context &ctx, const ht_session_options &options, const PlanOptions &plan_options) {
  const auto copy = [](ht_handles list) { return std::vector<ht_handle>(list.data, list.data + list.size); };
  Part main{sdk::Graph(ctx).main(), copy(options.inputs), copy(options.emits), {}};
  return Builder(ctx, plan_options, std::move(main)).build();
}

}  // namespace halftone::integer
