#include "layer_moments.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>

#include "gram.h"

namespace halftone::passes {
namespace {

constexpr double kFineCodes = 2047;
constexpr float kMostCodes = 4096;
// Positions of a patch matrix that are laid out at once.
constexpr std::size_t kBlock = 512;
// Layers with at least so many columns gather so many positions before they are multiplied: adding up the products of
// a few positions takes longer than to multiply them.
constexpr std::size_t kWideColumns = 128, kWidePositions = 1024;

bool is_wide(const MatrixLayout &m) {
  return m.groups == 1 && m.columns >= kWideColumns;
}

// What a worker keeps of the sample that it is at, and positions that wait for more.
struct Scratch {
  std::map<const Layer *, std::vector<float>> codes;
  std::map<const Layer *, std::vector<std::int64_t>> shapes;
  std::map<std::size_t, CodePanels> waiting;  // by layer
  std::vector<float> patches, targets;
  std::vector<double> sums;
};

// What the layer adds to its product, for each output; empty where that is nothing.
std::vector<float> bias_of(const sdk::Graph &graph, const Layer &layer) {
  if (layer.op_type == "MatMul" || graph.node(layer.node).input(2) == HT_NONE) return {};
  std::vector<float> bias = stored_floats(graph, layer.node, 2);
  if (bias.size() == 1) bias.resize(layer.matrix.groups * layer.matrix.outputs, bias.front());
  const double beta = layer.op_type == "Gemm" ? graph.attribute_float(layer.node, "beta", 1.0) : 1.0;
  for (float &b : bias) b = static_cast<float>(static_cast<double>(b) * beta);
  return bias;
}

double largest_of(const std::vector<float> &values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return static_cast<double>(largest);
}

class MomentSink final : public sdk::SampleSink {
 public:
  MomentSink(const sdk::Context &ctx, const MomentsRequest &request) : request_(request) {
    const sdk::Graph graph(ctx);
    const sdk::Configs configs(ctx);
    for (const Layer *layer : request.layers) {
      LayerMoments moments;
      if (!grid_of_config(configs, layer->input_config, moments.input)) {
        moments.input = fine_grid(request.magnitude->at(layer->input));
      }
      const MatrixLayout &m = layer->matrix;
      moments.gram.resize(m.groups * m.columns * m.columns);
      moments.sums.resize(m.groups * m.columns);
      if (request.cross) {
        biases_.push_back(bias_of(graph, *layer));
        moments.target = fine_grid(request.magnitude->at(layer->output) + largest_of(biases_.back()));
        moments.cross.resize(m.groups * m.outputs * m.columns);
        moments.target_sums.resize(m.groups * m.outputs);
      }
      of_layer_.emplace_back(std::move(moments));
      mutexes_.push_back(std::make_unique<std::mutex>());
    }
  }

  void prepare(std::uint32_t workers) override { scratch_.resize(workers); }

  void see(const sdk::Context &, std::uint32_t worker, std::uint64_t, ht_handle value,
           const ht_tensor_view &tensor) override {
    for (std::size_t i = 0; i < request_.layers.size(); ++i) {
      if (request_.layers[i]->input == value) add_inputs(i, tensor, scratch_[worker]);
    }
  }

  void see_reference(const sdk::Context &, std::uint32_t worker, std::uint64_t, ht_handle value,
                     const ht_tensor_view &tensor) override {
    for (std::size_t i = 0; i < request_.layers.size(); ++i) {
      if (request_.layers[i]->output == value) add_targets(i, tensor, scratch_[worker]);
    }
  }

  std::vector<LayerMoments> take() {
    for (Scratch &scratch : scratch_) {
      for (auto &[i, panels] : scratch.waiting) multiply(i, 0, panels);
    }
    return std::move(of_layer_);
  }

 private:
  // Calls body(batch, group, first position, positions, patches) for blocks of the layer's patch matrix.
  template <class Body>
  void for_each_block(const Layer &layer, const std::vector<float> &codes, std::span<const std::int64_t> shape,
                      Scratch &scratch, const Body &body) {
    const MatrixLayout &m = layer.matrix;
    if (!layer.convolves) {
      const std::size_t rows = codes.size() / m.columns;
      for (std::size_t p = 0; p < rows; p += kBlock) {
        body(std::size_t{0}, std::size_t{0}, p, std::min(kBlock, rows - p), codes.data() + p * m.columns);
      }
      return;
    }
    const std::size_t channels = layer.channels / m.groups;
    const Patches patches(layer.window, channels, shape.subspan(2));
    const auto batch = static_cast<std::size_t>(shape[0]);
    const std::size_t group_size = batch == 0 ? 0 : codes.size() / batch / m.groups;
    for (std::size_t n = 0; n < batch; ++n) {
      for (std::size_t g = 0; g < m.groups; ++g) {
        const float *input = codes.data() + (n * m.groups + g) * group_size;
        for (std::size_t p = 0; p < patches.positions(); p += kBlock) {
          const std::size_t count = std::min(kBlock, patches.positions() - p);
          scratch.patches.resize(count * m.columns);
          patches.copy(input, p, count, scratch.patches.data());
          body(n, g, p, count, scratch.patches.data());
        }
      }
    }
  }

  void add_inputs(std::size_t i, const ht_tensor_view &tensor, Scratch &scratch) {
    const Layer &layer = *request_.layers[i];
    LayerMoments &moments = of_layer_[i];
    require_shape(layer, tensor);
    std::vector<float> &codes = scratch.codes[&layer];
    codes.resize(static_cast<std::size_t>(sdk::count_of(tensor)));
    moments.input.codes(static_cast<const float *>(tensor.data), codes.size(), 0, codes.data());
    const std::size_t columns = layer.matrix.columns;
    const bool finite = replace_nan(codes);
    std::uint64_t seen = 0;
    for_each_block(layer, codes, sdk::shape_of(tensor), scratch,
                   [&](std::size_t, std::size_t g, std::size_t, std::size_t count, const float *x) {
                     add_products(i, g, x, count, scratch);
                     add_sums(i, moments.sums.data() + g * columns, x, columns, count, scratch);
                     seen += g == 0 ? count : 0;
                   });
    const std::scoped_lock lock(*mutexes_[i]);
    moments.positions += seen;
    moments.finite = moments.finite && finite;
    if (!sums_are_exact(static_cast<double>(moments.positions), moments.input.largest,
                        std::max(moments.input.largest, moments.target.largest))) {
      throw sdk::Failure(HT_RESOURCE_EXHAUSTED, "too many positions for exact sums; give fewer samples", layer.node);
    }
    if (request_.cross) scratch.shapes[&layer].assign(tensor.shape, tensor.shape + tensor.rank);
  }

  void add_products(std::size_t i, std::size_t g, const float *x, std::size_t count, Scratch &scratch) {
    const MatrixLayout &m = request_.layers[i]->matrix;
    if (!is_wide(m)) {
      CodePanels panels(m.columns, count);
      panels.append(x, count);
      multiply(i, g, panels);
      return;
    }
    CodePanels &waiting = scratch.waiting.try_emplace(i, m.columns, kWidePositions).first->second;
    if (waiting.room() < count) multiply(i, g, waiting);
    waiting.append(x, count);
  }

  void multiply(std::size_t i, std::size_t g, CodePanels &panels) {
    LayerMoments &moments = of_layer_[i];
    add_gram(panels, moments.input.largest, *mutexes_[i], moments.gram.data() + g * panels.rows() * panels.rows());
    panels.clear();
  }

  // Codes that are no numbers become 0; false when there are any.
  static bool replace_nan(std::vector<float> &codes) {
    bool finite = true;
    for (float &code : codes) {
      if (std::isnan(code)) code = 0, finite = false;
    }
    return finite;
  }

  // Whole numbers below 2^53: in whatever order the workers come, the sum is the same.
  void add(std::size_t i, double *to, const std::vector<double> &sums) {
    const std::scoped_lock lock(*mutexes_[i]);
    for (std::size_t k = 0; k < sums.size(); ++k) to[k] += sums[k];
  }

  // Of each row of a patch matrix.
  void add_sums(std::size_t i, double *to, const float *x, std::size_t rows, std::size_t count, Scratch &scratch) {
    scratch.sums.assign(rows, 0);
    for (std::size_t p = 0; p < count; ++p) {
      for (std::size_t r = 0; r < rows; ++r) scratch.sums[r] += static_cast<double>(x[p * rows + r]);
    }
    add(i, to, scratch.sums);
  }

  static void require_shape(const Layer &layer, const ht_tensor_view &tensor) {
    const bool fits = layer.convolves ? tensor.rank == layer.window.kernel.size() + 2 &&
                                            tensor.shape[1] == static_cast<std::int64_t>(layer.channels)
                                      : tensor.rank > 0 && tensor.shape[tensor.rank - 1] ==
                                                               static_cast<std::int64_t>(layer.matrix.columns);
    if (!fits) throw sdk::Failure(HT_FAILED_PRECONDITION, "the input does not fit the weight", layer.node);
  }

  // Targets of one sample as codes, the bias taken off, with one row for each output channel of all groups.
  bool codes_of_targets(std::size_t i, const ht_tensor_view &tensor, std::size_t batch, Scratch &scratch) {
    const Layer &layer = *request_.layers[i];
    const std::size_t outputs = layer.matrix.groups * layer.matrix.outputs;
    const auto *data = static_cast<const float *>(tensor.data);
    const auto all = static_cast<std::size_t>(sdk::count_of(tensor));
    const std::vector<float> &bias = biases_[i];
    scratch.targets.resize(layer.convolves ? all / static_cast<std::size_t>(tensor.shape[0]) : all);
    const std::size_t positions = scratch.targets.size() / outputs;
    for (std::size_t o = 0; o < outputs; ++o) {
      const double offset = bias.size() == outputs ? static_cast<double>(bias[o]) : 0;
      float *row = scratch.targets.data() + o * positions;
      if (layer.convolves) {
        of_layer_[i].target.codes(data + (batch * outputs + o) * positions, positions, offset, row);
        continue;
      }
      for (std::size_t p = 0; p < positions; ++p) {
        of_layer_[i].target.codes(data + p * outputs + o, 1, offset, row + p);
      }
    }
    return replace_nan(scratch.targets);
  }

  void add_target_sums(std::size_t i, Scratch &scratch) {
    std::vector<double> &to = of_layer_[i].target_sums;
    const std::size_t positions = scratch.targets.size() / to.size();
    scratch.sums.assign(to.size(), 0);
    for (std::size_t k = 0; k < scratch.targets.size(); ++k) {
      scratch.sums[k / positions] += static_cast<double>(scratch.targets[k]);
    }
    add(i, to.data(), scratch.sums);
  }

  void add_targets(std::size_t i, const ht_tensor_view &tensor, Scratch &scratch) {
    const Layer &layer = *request_.layers[i];
    const MatrixLayout &m = layer.matrix;
    LayerMoments &moments = of_layer_[i];
    const std::vector<float> codes = std::move(scratch.codes[&layer]);
    std::size_t ready = ~std::size_t{0}, positions = 0;
    bool finite = true;
    for_each_block(layer, codes, scratch.shapes[&layer], scratch,
                   [&](std::size_t n, std::size_t g, std::size_t first, std::size_t count, const float *x) {
                     if (n != ready) {
                       finite = codes_of_targets(i, tensor, ready = n, scratch) && finite;
                       add_target_sums(i, scratch);
                     }
                     positions = scratch.targets.size() / (m.groups * m.outputs);
                     CodePanels inputs(m.columns, count), targets(m.outputs, count);
                     inputs.append(x, count);
                     targets.append_rows(scratch.targets.data() + g * m.outputs * positions + first, positions, count);
                     add_cross(targets, moments.target.largest, inputs, moments.input.largest, *mutexes_[i],
                               moments.cross.data() + g * m.outputs * m.columns);
                   });
    if (finite) return;
    const std::scoped_lock lock(*mutexes_[i]);
    moments.finite = false;
  }

  const MomentsRequest &request_;
  std::vector<LayerMoments> of_layer_;
  std::vector<std::unique_ptr<std::mutex>> mutexes_;
  std::vector<std::vector<float>> biases_;
  std::vector<Scratch> scratch_;
};

}  // namespace

void CodeGrid::codes(const float *values, std::size_t count, double offset, float *out) const {
  // Adding and taking off 1.5 * 2^23 rounds to the nearest even integer, for magnitudes that the clamp allows.
  constexpr float kRound = 12582912.0F;
  const auto step = static_cast<float>(scale), from = static_cast<float>(offset);
  for (std::size_t i = 0; i < count; ++i) {
    const float x = std::clamp((values[i] - from) / step, -1e6F, 1e6F);
    const float whole = (x + kRound) - kRound;
    out[i] = std::clamp(whole + zero_point, low, high) - zero_point;
  }
}

CodeGrid fine_grid(double magnitude) {
  CodeGrid grid;
  grid.scale = std::max(magnitude, 1e-20) / kFineCodes;
  grid.low = -static_cast<float>(kFineCodes), grid.high = static_cast<float>(kFineCodes);
  grid.largest = kFineCodes;
  return grid;
}

bool grid_of_config(const sdk::Configs &configs, ht_handle config, CodeGrid &grid) {
  if (config == HT_NONE) return false;
  const ht_config_info info = configs.info(config);
  if (info.state == HT_STATE_FP32 || info.scale_count != 1 || info.spec.kind != HT_QUANT_INTEGER) return false;
  if (info.spec.quant_max - info.spec.quant_min >= static_cast<std::int64_t>(kMostCodes)) return false;
  grid.scale = static_cast<double>(info.scales[0]);
  grid.zero_point = static_cast<float>(info.zero_points[0]);
  grid.low = static_cast<float>(info.spec.quant_min), grid.high = static_cast<float>(info.spec.quant_max);
  grid.largest = static_cast<double>(std::max(grid.high - grid.zero_point, grid.zero_point - grid.low));
  return true;
}

std::uint64_t moment_bytes(const Layer &layer, bool cross) {
  const MatrixLayout &m = layer.matrix;
  return sizeof(double) * m.groups * m.columns * (m.columns + (cross ? m.outputs : 0));
}

namespace {

void require_finite(const LayerMoments &moments, const Layer &layer) {
  if (moments.finite) return;
  throw sdk::Failure(HT_FAILED_PRECONDITION,
                     "what it reads in the quantized network is NaN or infinite; leave the operator before it in float",
                     layer.node);
}

}  // namespace

std::vector<LayerMoments> gather_moments(const sdk::Context &ctx, const MomentsRequest &request) {
  sdk::SampleRun run;
  run.mode = HT_MODE_SIMULATED;
  run.limit = request.samples;
  std::uint64_t own = 0;
  for (const Layer *layer : request.layers) {
    const MatrixLayout &m = layer->matrix;
    run.values.push_back(layer->input);
    if (request.cross) run.references.push_back(layer->output);
    run.sink_bytes += moment_bytes(*layer, request.cross);
    const std::uint64_t block = CodePanels::bytes(m.columns, kBlock) + CodePanels::bytes(m.outputs, kBlock);
    own = std::max(own, block + kBlock * m.columns * sizeof(float));
    if (is_wide(m)) run.sink_worker_bytes += CodePanels::bytes(m.columns, kWidePositions);
  }
  run.sink_worker_bytes += own;
  MomentSink sink(ctx, request);
  (void)sdk::run_samples(ctx, run, sink);
  std::vector<LayerMoments> moments = sink.take();
  for (std::size_t i = 0; i < moments.size(); ++i) require_finite(moments[i], *request.layers[i]);
  return moments;
}

bool adds_a_known_bias(const sdk::Graph &graph, const Layer &layer) {
  if (layer.op_type == "MatMul") return true;
  const ht_handle bias = graph.node(layer.node).input(2);
  if (bias == HT_NONE) return true;
  const auto tensor = graph.initializer(bias);
  if (!tensor || tensor->dtype != HT_F32) return false;
  const auto outputs = static_cast<std::int64_t>(layer.matrix.groups * layer.matrix.outputs);
  const std::int64_t count = sdk::count_of(*tensor);
  return count == 1 || (count == outputs && tensor->rank > 0 && tensor->shape[tensor->rank - 1] == outputs);
}

std::vector<std::vector<const Layer *>> schedule(const std::vector<Layer> &layers, bool sequential, bool cross,
                                                 std::uint64_t limit) {
  std::vector<std::vector<const Layer *>> wanted;
  if (sequential) {
    wanted = by_depth(layers);
  } else {
    std::vector<const Layer *> &all = wanted.emplace_back();
    for (const Layer &layer : layers) all.push_back(&layer);
  }
  std::vector<std::vector<const Layer *>> parts;
  for (const std::vector<const Layer *> &group : wanted) {
    std::uint64_t held = 0;
    for (const Layer *layer : group) {
      const std::uint64_t bytes = moment_bytes(*layer, cross);
      if (layer == group.front() || held + bytes > limit) {
        parts.emplace_back();
        held = 0;
      }
      held += bytes;
      parts.back().push_back(layer);
    }
  }
  return parts;
}

void require_samples(const sdk::Context &ctx, const std::vector<Layer> &layers) {
  if (layers.empty() || ctx.host.execution == nullptr) return;
  class Nothing final : public sdk::SampleSink {
    void see(const sdk::Context &, std::uint32_t, std::uint64_t, ht_handle, const ht_tensor_view &) override {}
  };
  ht_execution_options options{};
  options.struct_size = sizeof(options);
  std::uint64_t samples = 0;
  sdk::check(ctx.host.execution->samples(ctx.raw, &options, &samples));
  if (samples > 0) return;
  Nothing sink;
  sdk::SampleRun run;
  run.values = {layers.front().input};
  (void)sdk::run_samples(ctx, run, sink);
}

std::vector<ht_handle> inputs_without_grid(const sdk::Context &ctx, const std::vector<Layer> &layers) {
  const sdk::Configs configs(ctx);
  std::vector<ht_handle> values;
  CodeGrid grid;
  for (const Layer &layer : layers) {
    if (!grid_of_config(configs, layer.input_config, grid)) values.push_back(layer.input);
  }
  return values;
}

std::map<ht_handle, double> magnitudes(const sdk::Context &ctx, const std::vector<ht_handle> &values, bool simulated) {
  std::map<ht_handle, double> result;
  if (values.empty()) return result;
  std::vector<ht_statistics_request> requests;
  for (const ht_handle value : values) {
    ht_statistics_request request{};
    request.struct_size = sizeof(request);
    request.value = value;
    requests.push_back(request);
  }
  ht_collect_options options{};
  options.struct_size = sizeof(options);
  options.mode = simulated ? HT_MODE_SIMULATED : HT_MODE_FLOAT;
  sdk::check(ctx.host.calibration->collect(ctx.raw, requests.data(), requests.size(), &options));
  for (const ht_handle value : values) {
    const ht_statistics *found = nullptr;
    sdk::check(ctx.host.calibration->statistics(ctx.raw, value, &found));
    result[value] = static_cast<double>(std::max(std::abs(found->minimum), std::abs(found->maximum)));
  }
  return result;
}

}  // namespace halftone::passes
