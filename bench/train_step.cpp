// halftone_bench_train MODEL BATCH STEPS THREADS [PIPELINE]: milliseconds of training steps (forward, backward, update)
// with cross-entropy and Adam on noise, the least and the middle one, and the least of what processors spent on one,
// which says more where others work on the machine too. MODEL is trained in float, or, with a pipeline file that has no
// step `parameter-baking`, as the pipeline quantized it. HALFTONE_BUILD_DIR names the build.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include "core/model/onnx_io.h"
#include "tests/train/rig.h"

namespace {

// Of all threads of this process.
double processor_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int count, char **words) {
  using namespace halftone;
  if (count < 5) {
    std::fprintf(stderr, "usage: %s MODEL BATCH STEPS THREADS [PIPELINE]\n", words[0]);
    return 2;
  }
  host::WorkingModel working;
  if (count > 5) {
    std::ifstream in(words[5]);
    working = test::run_pipeline({std::istreambuf_iterator<char>(in), {}});
  } else {
    working.model = model::import_onnx(words[1]).model;
  }
  const model::Graph &graph = working.model.graph(working.model.main_graph());
  const std::int64_t batch = std::atoll(words[2]);
  std::vector<std::int64_t> shape = {batch};
  const auto &dims = working.model.value(graph.inputs.front()).type.dims;
  for (std::size_t i = 1; i < dims.size(); ++i) shape.push_back(dims[i].extent);
  test::TrainRequest request;
  request.weights = test::weights_of(working.model, true);
  request.losses = {test::loss_of(HT_LOSS_CROSS_ENTROPY, graph.outputs.front())};
  request.threads = static_cast<std::uint32_t>(std::atoi(words[4]));
  test::TrainRig rig(working, request);
  const test::Floats input = test::noise(shape, 1);
  test::Labels labels;
  for (std::int64_t i = 0; i < batch; ++i) labels.data.push_back(i % 10);
  std::vector<double> times, spent;
  const int steps = std::atoi(words[3]);
  for (int i = 0; i < steps + 2; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const double spent_before = processor_milliseconds();
    rig.accumulate_labels({input}, labels, static_cast<std::uint64_t>(i));
    rig.update(1e-5F);
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
    if (i < 2) continue;
    times.push_back(taken.count());
    spent.push_back(processor_milliseconds() - spent_before);
  }
  std::sort(times.begin(), times.end());
  std::printf("%.3f %.3f %.3f\n", times.front(), times[times.size() / 2],
              *std::min_element(spent.begin(), spent.end()));
  return 0;
}
