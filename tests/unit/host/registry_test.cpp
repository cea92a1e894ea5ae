#include "core/host/registry.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/host/sample_plugin.h"

using namespace halftone;
using namespace halftone::host;

namespace {
int initialised = 0, ended = 0;
}  // namespace

TEST_CASE("components are found by kind and id") {
  SamplePlugin a("fold-batch-norm"), b("bias-correction");
  Registry registry;
  registry.add(&a.plugin, "/somewhere/a.so");
  registry.add(&b.plugin, {});
  CHECK(registry.find(HT_KIND_PASS, "fold-batch-norm")->description == &a.component);
  CHECK(registry.find(HT_KIND_OBSERVER, "fold-batch-norm") == nullptr);
  const auto all = registry.all(HT_KIND_PASS);
  REQUIRE(all.size() == 2);
  CHECK(all[0]->id() == "bias-correction");
  CHECK(registry.all(HT_KIND_EXECUTOR).empty());
  registry.searched = {"/one", "/two"};
  registry.refused = {{"/one/x.so", "plug-in '/one/x.so': bad"}};
  CHECK_EQ(SamplePlugin::error_of([&] { registry.get(HT_KIND_PASS, "fold-batchnorm"); }),
           "there is no pass named 'fold-batchnorm' (did you mean 'fold-batch-norm'?); plug-ins were looked for in "
           "'/one', '/two'\n  not loaded: plug-in '/one/x.so': bad");
}

TEST_CASE("a plug-in is taken whole or not at all") {
  SamplePlugin a("twin"), b("other"), c("twin");
  const ht_component *both[] = {&b.component, &c.component};
  b.plugin.components = both;
  b.plugin.component_count = 2;
  Registry registry;
  registry.add(&a.plugin, "/a.so");
  CHECK_EQ(SamplePlugin::error_of([&] { registry.add(&b.plugin, "/b.so"); }),
           "plug-in '/b.so': pass 'twin' is already offered by plug-in '/a.so'; remove one of the two");
  CHECK(registry.find(HT_KIND_PASS, "other") == nullptr);
  CHECK(registry.plugins().size() == 1);
}

TEST_CASE("init and deinit come in pairs") {
  SamplePlugin a("a"), b("b");
  a.plugin.init = [](const ht_host *host) -> ht_status {
    ++initialised;
    return host->service(host, HT_GRAPH_EDIT_1) == nullptr ? HT_OK : HT_INTERNAL;
  };
  a.plugin.deinit = [] { ++ended; };
  b.plugin.init = [](const ht_host *) -> ht_status { return HT_FAILED_PRECONDITION; };
  b.plugin.deinit = a.plugin.deinit;
  {
    Registry registry;
    registry.add(&a.plugin, {});
    CHECK_EQ(SamplePlugin::error_of([&] { registry.add(&b.plugin, "/b.so"); }),
             "plug-in '/b.so': init failed with status 7; see the plug-in's documentation");
    const Registry moved = std::move(registry);
    CHECK(initialised == 1);
    CHECK(ended == 0);
  }
  CHECK(ended == 1);
}

TEST_CASE("plug-ins from memory are part of every registry") {
  static SamplePlugin sample("from-memory"), broken("broken");
  CHECK(ht_register(&sample.plugin) == HT_OK);
  CHECK(ht_register(&sample.plugin) == HT_ALREADY_EXISTS);
  broken.component.title = nullptr;
  CHECK(ht_register(&broken.plugin) == HT_INVALID_ARGUMENT);
  CHECK(ht_register(nullptr) == HT_INVALID_ARGUMENT);
  const auto all = registered_plugins();
  CHECK(std::find(all.begin(), all.end(), &sample.plugin) != all.end());
  SearchOptions options;
  options.use_environment = false;
  options.probe = false;
  CHECK(load_plugins(options).find(HT_KIND_PASS, "from-memory") != nullptr);
}
