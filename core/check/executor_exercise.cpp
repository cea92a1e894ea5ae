// An executor runs the made models sample by sample, by as many workers as it is told, beside the plain one.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <thread>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/check/exercise.h"
#include "core/check/made_models.h"
#include "core/host/kernel_index.h"
#include "core/host/session.h"
#include "core/pipeline/model_to_run.h"

namespace halftone::check {

namespace {

// The samples of a made model, which are all of one input.
struct Samples {
  std::vector<std::int64_t> shape;  // of one, with the batch
  std::vector<float> values;
  std::size_t count = 0;
};

Samples samples_of(const MadeModel &made, const model::Model &network) {
  constexpr std::size_t kHeader = 128;  // of the files that write_npy() makes for these shapes
  Samples out;
  const std::string bytes = read_file(made.samples);
  const std::size_t header = bytes.find('\n') + 1;
  if (header > kHeader) fail(Status::kInternal, "the samples of {} are not as they were made", made.name);
  out.values.resize((bytes.size() - header) / sizeof(float));
  std::memcpy(out.values.data(), bytes.data() + header, out.values.size() * sizeof(float));
  const auto &input = network.value(network.graph(network.main_graph()).inputs.front());
  std::size_t elements = 1;
  for (const model::Dim &dim : input.type.dims) {
    out.shape.push_back(dim.extent < 0 ? 1 : dim.extent);
    elements *= static_cast<std::size_t>(out.shape.back());
  }
  out.count = out.values.size() / elements;
  return out;
}

using Outputs = std::vector<std::map<model::Handle, std::vector<float>>>;  // of each sample

class Run {
 public:
  Run(Workbench &bench, const MadeModel &made) : kernels_(bench.registry()) {
    working_.model = pipeline::read_model_to_run(made.model, kernels_).model;
    samples_ = samples_of(made, working_.model);
  }

  Outputs outputs(const host::Component &executor, const Terms &terms) {
    host::Context ctx;
    prepare(ctx);
    const host::Instance instance(executor, &terms.parameters, ctx);
    host::SessionRequest request;
    request.workers = terms.threads;
    for (const model::Handle node : working_.model.topological_order(working_.model.main_graph())) {
      for (const model::Handle value : working_.model.node(node).outputs) request.emits.push_back(value);
    }
    const host::Session session(instance, ctx, request);
    Outputs all(samples_.count);
    std::vector<std::exception_ptr> errors(terms.threads);
    std::vector<std::thread> workers;
    for (std::uint32_t worker = 0; worker < terms.threads; ++worker) {
      workers.emplace_back([&, worker] {
        try {
          for (std::size_t i = worker; i < samples_.count; i += terms.threads) run(session, worker, i, all[i]);
        } catch (...) {
          errors[worker] = std::current_exception();
        }
      });
    }
    for (std::thread &worker : workers) worker.join();
    for (const std::exception_ptr &error : errors) {
      if (error) std::rethrow_exception(error);
    }
    return all;
  }

 private:
  void prepare(host::Context &ctx) {
    ctx.working = &working_;
    ctx.kernels = &kernels_;
  }
  void run(const host::Session &session, std::uint32_t worker, std::size_t index,
           std::map<model::Handle, std::vector<float>> &out) {
    host::Context own;
    prepare(own);
    const std::size_t elements = samples_.values.size() / samples_.count;
    ht_tensor_view input{};
    input.struct_size = sizeof(input);
    input.dtype = HT_F32;
    input.rank = static_cast<std::uint32_t>(samples_.shape.size());
    input.shape = samples_.shape.data();
    input.data = samples_.values.data() + index * elements;
    session.run(own, worker, {&input, 1}, [&](model::Handle value, const ht_tensor_view &tensor) {
      if (tensor.dtype != HT_F32 || tensor.block_size != 0 || tensor.strides != nullptr) return;
      std::size_t count = 1;
      for (std::uint32_t axis = 0; axis < tensor.rank; ++axis) count *= static_cast<std::size_t>(tensor.shape[axis]);
      const auto *data = static_cast<const float *>(tensor.data);
      out[value].assign(data, data + count);
    });
  }

  host::KernelIndex kernels_;
  host::WorkingModel working_;
  Samples samples_;
};

// How far the outputs are from the plain executor's, or empty.
std::string difference(const Outputs &got, const Outputs &wanted) {
  constexpr double kTolerance = 1e-3;  // of the largest value
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (const auto &[value, expected] : wanted[i]) {
      const auto found = got[i].find(value);
      if (found == got[i].end()) continue;  // in a layout of its own
      if (found->second.size() != expected.size()) return fmt::format("a value of sample {} has another size", i);
      double largest = 1e-6, apart = 0;
      for (std::size_t k = 0; k < expected.size(); ++k) {
        largest = std::max(largest, std::abs(static_cast<double>(expected[k])));
        apart = std::max(apart, std::abs(static_cast<double>(expected[k]) - static_cast<double>(found->second[k])));
      }
      if (!(apart <= kTolerance * largest))
        return fmt::format("a value of sample {} is {:.3g} away, of {:.3g}", i, apart, largest);
    }
  }
  return {};
}

}  // namespace

std::vector<Exercise> executor_exercises(Workbench &bench, const Subject &subject) {
  std::vector<Exercise> out;
  for (const MadeModel &made : made_models(bench.folder())) {
    if (made.samples.empty()) continue;
    out.push_back({"on " + made.name, [&bench, subject, made](const Terms &terms) {
                     try {
                       Run run(bench, made);
                       const Outputs got = run.outputs(*subject.component, terms);
                       if (const host::Component *plain = bench.registry().find(HT_KIND_EXECUTOR, "reference")) {
                         const std::string apart = difference(got, run.outputs(*plain, Terms{}));
                         if (!apart.empty())
                           return Attempt{Attempt::Result::kBroke, "against executor 'reference' " + apart, {}, 0};
                       }
                       Digester digester;
                       for (const auto &sample : got) {
                         for (const auto &[value, values] : sample) digester.add(std::as_bytes(std::span(values)));
                       }
                       return Attempt{Attempt::Result::kDone, {}, digester.finish().hex(), 0};
                     } catch (const Error &error) {
                       return attempt_of(error, subject, true);
                     }
                   }});
  }
  return out;
}

}  // namespace halftone::check
