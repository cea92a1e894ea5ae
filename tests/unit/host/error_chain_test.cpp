// What a caller hears when a component called services that failed.
#include <doctest/doctest.h>

#include "core/host/context.h"
#include "core/host/kernel_index.h"
#include "core/host/service/services.h"
#include "tests/unit/host/sample_plugin.h"

using namespace halftone;
using namespace halftone::host;

namespace {

ht_str text_of(const char *text) {
  return {text, std::char_traits<char>::length(text)};
}

// A model of one node that no kernel computes, and the host's table as a component sees it.
struct Scene {
  Scene() : kernels(registry) {
    model::Model &m = working.model;
    node = m.add_node(m.main_graph(), "NoSuchOperator", "", "odd", {}, {});
    m.set_opset("", 17);
    ctx.working = &working;
    ctx.kernels = &kernels;
  }
  template <typename Table>
  const Table &service(const char *id) {
    return *static_cast<const Table *>(find_service(id, ~std::uint64_t{0}));
  }
  ht_status find_kernel() {
    const ht_op_kernel *kernel = nullptr;
    return service<ht_op_kernel_lookup>(HT_OP_KERNEL_1).find(&ctx, node, &kernel);
  }
  ht_status ask_platform() {
    ht_str id{};
    return service<ht_target>(HT_TARGET_1).platform(&ctx, &id);
  }
  void *allocate() { return service<ht_memory>(HT_MEMORY_1).allocate(&ctx, 8, 8); }
  // "" when the call succeeds.
  template <typename Body>
  std::string heard(Body &&body) {
    return SamplePlugin::error_of([&] { call_component(ctx, body); });
  }
  Registry registry;
  KernelIndex kernels;
  WorkingModel working;
  model::Handle node = HT_NONE;
  Context ctx;
};

}  // namespace

TEST_CASE("a failure that a component gets over leaves no trace") {
  Scene scene;
  CHECK(scene.heard([&] {
    CHECK(scene.find_kernel() == HT_UNIMPLEMENTED);
    return HT_OK;
  }) == "");
  CHECK_FALSE(scene.ctx.error.has_value());
}

TEST_CASE("a later failure is not told as a part of one that was got over") {
  Scene scene;
  const std::string platform = scene.heard([&] {
    CHECK(scene.find_kernel() == HT_UNIMPLEMENTED);
    return scene.ask_platform();
  });
  CHECK(platform == "this run has no platform; name one with `platform:`");
  const std::string own = scene.heard([&] {
    CHECK(scene.find_kernel() == HT_UNIMPLEMENTED);
    (void)scene.ask_platform();
    (void)scene.find_kernel();
    (void)scene.ask_platform();
    return scene.ctx.record(HT_DATA_LOSS, "and this too");
  });
  CHECK(own == "this run has no platform; name one with `platform:`\n  and this too");
}

TEST_CASE("what a component says of a failed service stays with it") {
  Scene scene;
  const std::string text = scene.heard([&] {
    const ht_status status = scene.find_kernel();
    const ht_str more = text_of("while folding");
    return scene.ctx.record(status, std::string(more.data, more.size));
  });
  CHECK(text.find("NoSuchOperator") < text.find("while folding"));
}

TEST_CASE("a bare status has the text of the failure that it passes on") {
  Scene scene;
  CHECK(scene.heard([&] { return scene.find_kernel(); }).find("NoSuchOperator") != std::string::npos);
  // Also when something was cleaned up in between; but not when the status is another.
  const std::string cleaned = scene.heard([&] {
    const ht_status status = scene.find_kernel();
    CHECK(scene.allocate() != nullptr);
    return status;
  });
  CHECK(cleaned.find("NoSuchOperator") != std::string::npos);
  const std::string other = scene.heard([&] {
    (void)scene.find_kernel();
    CHECK(scene.allocate() != nullptr);
    return ht_status{HT_CANCELLED};
  });
  CHECK(other.find("said nothing about it") != std::string::npos);
}
