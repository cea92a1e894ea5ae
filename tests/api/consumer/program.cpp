// A C++20 program that embeds Halftone: two engines in two threads, each with models of its own, and one stopped by
// another thread.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "halftone/embed.h"

namespace {

template <auto Destroy>
struct Deleter {
  template <typename T>
  void operator()(T *object) const {
    Destroy(object);
  }
};
using Engine = std::unique_ptr<ht_engine, Deleter<ht_engine_destroy>>;
using Model = std::unique_ptr<ht_model, Deleter<ht_model_destroy>>;
using Text = std::unique_ptr<ht_text, Deleter<ht_text_destroy>>;
using Stop = std::unique_ptr<ht_stop, Deleter<ht_stop_destroy>>;

void require(bool holds, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "%s: %s\n", what, ht_error_text(0) == nullptr ? "" : ht_error_text(0));
  std::_Exit(1);
}

// Noise, which calibrates as well as anything. `count` 0: without end.
struct Noise {
  std::uint64_t count;
  std::atomic<std::uint64_t> next{0};
  std::atomic<int> held{0}, most{0};
  static constexpr std::int64_t kShape[3] = {3, 32, 32};

  ht_samples samples() {
    ht_samples out{};
    out.struct_size = sizeof(out);
    out.user = this;
    out.rewind = [](void *user, const ht_host *, ht_ctx *) -> ht_status {
      static_cast<Noise *>(user)->next = 0;
      return HT_OK;
    };
    out.next = [](void *user, const ht_host *, ht_ctx *, ht_tensor_view *const *arrays, void **hold,
                  std::uint32_t *got) -> ht_status {
      auto &self = *static_cast<Noise *>(user);
      if (self.count != 0 && self.next == self.count) return HT_OK;
      auto *data = new std::vector<float>(3 * 32 * 32);
      std::uint64_t state = ++self.next;
      for (float &value : *data) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        value = static_cast<float>(state >> 40) / static_cast<float>(1 << 23) - 1.0F;
      }
      self.most = std::max<int>(self.most, ++self.held);
      arrays[0]->dtype = HT_F32;
      arrays[0]->rank = 3;
      arrays[0]->shape = kShape;
      arrays[0]->data = data->data();
      *hold = data;
      *got = 1;
      return HT_OK;
    };
    out.release = [](void *user, void *hold) {
      delete static_cast<std::vector<float> *>(hold);
      --static_cast<Noise *>(user)->held;
    };
    return out;
  }
};

std::string configs_of_a_run(const std::string &file) {
  ht_engine *made = nullptr;
  require(ht_engine_create(nullptr, &made) == HT_OK, "engine");
  const Engine engine(made);
  ht_model *loaded = nullptr;
  require(ht_model_load(engine.get(), file.c_str(), &loaded) == HT_OK, "load");
  const Model model(loaded);
  Noise noise{300};
  const ht_samples samples = noise.samples();
  const char *settings[] = {"platform=onnxruntime-int8", "calibration.threads=2"};
  ht_run_options options{};
  options.struct_size = sizeof(options);
  options.settings = settings;
  options.setting_count = 2;
  options.model = model.get();
  options.calibration = &samples;
  ht_model *out = nullptr;
  require(ht_run(engine.get(), &options, &out, nullptr) == HT_OK, "run");
  const Model quantized(out);
  require(noise.held == 0 && noise.most <= 32, "samples are held for too long");
  ht_text *text = nullptr;
  require(ht_model_configs(quantized.get(), &text) == HT_OK, "configs");
  return ht_text_data(Text(text).get());
}

void stopped_from_outside(const std::string &file) {
  ht_engine *made = nullptr;
  require(ht_engine_create(nullptr, &made) == HT_OK, "engine");
  const Engine engine(made);
  ht_model *loaded = nullptr;
  require(ht_model_load(engine.get(), file.c_str(), &loaded) == HT_OK, "load");
  const Model model(loaded);
  ht_stop *asked = nullptr;
  require(ht_stop_create(&asked) == HT_OK, "stop");
  const Stop stop(asked);
  Noise noise{0};
  const ht_samples samples = noise.samples();
  ht_evaluate_options options{};
  options.struct_size = sizeof(options);
  options.samples = &samples;
  options.stop = stop.get();
  std::thread later([&] {
    while (noise.next < 50) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ht_stop_request(stop.get());
  });
  require(ht_evaluate(model.get(), &options, nullptr) == HT_CANCELLED, "not cancelled");
  later.join();
  require(noise.held == 0, "samples of a stopped run are held");
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const std::string file = std::string(argv[1]) + "/model.onnx";
  std::string one, other;
  std::thread first([&] { one = configs_of_a_run(file); }), second([&] { other = configs_of_a_run(file); });
  first.join();
  second.join();
  require(!one.empty() && one == other, "two engines find different configs");
  stopped_from_outside(file);
}
