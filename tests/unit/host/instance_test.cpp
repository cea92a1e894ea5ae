#include "core/host/instance.h"

#include <doctest/doctest.h>

#include <vector>

#include "core/host/service/services.h"
#include "tests/unit/host/sample_plugin.h"

using namespace halftone;
using namespace halftone::host;

namespace {

// What the component below was given.
struct Seen {
  const ht_host *host = nullptr;
  double percentile = 0;
  int destroyed = 0;
  std::string component;
};
Seen seen;

ht_status HT_CALL keep(const ht_host *host, ht_ctx *ctx, const ht_value *args, std::uint64_t count, void **instance) {
  seen.host = host;
  seen.component = ctx->component;
  seen.percentile = count == 1 ? *static_cast<const double *>(args[0].data) : -1;
  *instance = &seen;
  return HT_OK;
}
void HT_CALL drop(void *instance) {
  static_cast<Seen *>(instance)->destroyed += 1;
}

ht_status HT_CALL refuse(const ht_host *host, ht_ctx *ctx, const ht_value *, std::uint64_t, void **) {
  const ht_str text = {"out of chalk", 12};
  return host->fail(ctx, HT_RESOURCE_EXHAUSTED, &text, HT_NONE);
}

}  // namespace

TEST_CASE("an instance gets its arguments, its services and its end") {
  seen = {};
  SamplePlugin sample;
  sample.component.create = keep;
  sample.component.destroy = drop;
  sample.component.capabilities = HT_CAP_GRAPH_READ;
  Registry registry;
  registry.add(&sample.plugin, {});
  Context ctx;
  std::vector<LogLine> lines;
  ctx.sinks.log = [&](const LogLine &line) { lines.push_back(line); };
  {
    const Instance instance(registry.get(HT_KIND_PASS, "sample"), nullptr, ctx);
    CHECK(instance.raw() == &seen);
    CHECK(seen.percentile == 0.9);
    CHECK(seen.component == "sample");
    CHECK(ctx.component.empty());
    CHECK(seen.host->service(seen.host, HT_GRAPH_1) == find_service(HT_GRAPH_1, HT_CAP_GRAPH_READ));
    CHECK(seen.host->service(seen.host, HT_GRAPH_1) != nullptr);
    CHECK(seen.host->service(seen.host, HT_GRAPH_EDIT_1) == nullptr);
    CHECK(seen.host->service(seen.host, "ht.unknown/1") == nullptr);
    CHECK(seen.host->service(seen.host, nullptr) == nullptr);
    const ht_str text = {"hello", 5};
    seen.host->log(&ctx, HT_LOG_WARNING, &text);
    seen.host->log(nullptr, HT_LOG_WARNING, &text);
    CHECK(&instance.role<ht_pass>(HT_PASS_1) == &sample.pass);
    CHECK_EQ(SamplePlugin::error_of([&] { instance.role<ht_pass>("ht.unknown/1"); }),
             "pass 'sample' does not offer role 'ht.unknown/1'");
    CHECK(seen.destroyed == 0);
  }
  CHECK(seen.destroyed == 1);
  REQUIRE(lines.size() == 1);
  CHECK((lines[0].level == HT_LOG_WARNING && lines[0].text == "hello"));
}

TEST_CASE("what create() says is what the caller hears") {
  seen = {};
  SamplePlugin sample;
  sample.component.create = refuse;
  Registry registry;
  registry.add(&sample.plugin, {});
  Context ctx;
  try {
    const Instance instance(registry.get(HT_KIND_PASS, "sample"), nullptr, ctx);
    FAIL("created");
  } catch (const Error &error) {
    CHECK(error.status() == Status::kResourceExhausted);
    CHECK_EQ(std::string(error.what()), "out of chalk\n  while pass 'sample' was created");
  }
  CHECK(seen.destroyed == 0);
}
