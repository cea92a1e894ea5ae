// Executors of plug-ins that were built before, and after, executors could report their steps.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "core/host/session.h"
#include "tests/unit/host/sample_plugin.h"

using namespace halftone;
using namespace halftone::host;

namespace {

ht_status HT_CALL supports(void *, ht_ctx *, ht_handle, std::uint32_t) {
  return HT_OK;
}
std::uint32_t timed = 0;
ht_status HT_CALL open(void *, ht_ctx *, const ht_session_options *options, void **session) {
  timed = options->timed;
  *session = &timed;
  return HT_OK;
}
ht_status HT_CALL run(void *, ht_ctx *, std::uint32_t, const ht_tensor_view *, std::uint64_t, ht_emit, void *) {
  return HT_OK;
}
void HT_CALL close(void *) {}
ht_status HT_CALL profile(void *, ht_ctx *, ht_each_step each, void *user) {
  const ht_handle fused[] = {5, 6};
  ht_step step{};
  step.struct_size = sizeof step;
  step.kind = HT_STEP_NODE;
  step.node = 4;
  step.fused = {fused, 2};
  step.how = {"jit:avx2", 8};
  step.runs = 3;
  step.nanoseconds = 70;
  return each(user, &step);
}

// What a plug-in's own table ends with may lie anywhere: behind an older table stands something else.
struct Table {
  ht_executor executor = {sizeof(ht_executor), 1U << HT_MODE_FLOAT, supports, open, run, close, profile, nullptr};
  Table() = default;
  explicit Table(std::uint32_t size) {
    executor.struct_size = size;
    std::memset(reinterpret_cast<char *>(&executor) + size, 0xAB, sizeof executor - size);
  }
};

// Opens a timed session of this executor on an empty model and asks for its steps.
std::vector<StepTime> steps_of(ht_executor &table) {
  SamplePlugin sample;
  sample.component.kind = HT_KIND_EXECUTOR;
  sample.component.param_count = 0;
  sample.role.id = HT_EXECUTOR_1;
  sample.role.table = &table;
  Registry registry;
  registry.add(&sample.plugin, {});
  Context ctx;
  WorkingModel working;
  ctx.working = &working;
  const Instance executor(registry.get(HT_KIND_EXECUTOR, "sample"), nullptr, ctx);
  SessionRequest request;
  request.timed = true;
  return Session(executor, ctx, request).profile(ctx);
}

}  // namespace

TEST_CASE("a session hands over what its executor reports") {
  Table table;
  const std::vector<StepTime> steps = steps_of(table.executor);
  REQUIRE(steps.size() == 1);
  CHECK(timed == 1);
  CHECK((steps[0].node == 4 && steps[0].fused == std::vector<model::Handle>{5, 6} && steps[0].how == "jit:avx2"));
  CHECK((steps[0].runs == 3 && steps[0].nanoseconds == 70));
}

TEST_CASE("an executor whose table is smaller than that of ABI 1.0 is refused") {
  Table older(offsetof(ht_executor, profile));
  CHECK(SamplePlugin::error_of([&] {
          steps_of(older.executor);
        }).find("its table has 40 bytes and needs at least 56") != std::string::npos);
}

TEST_CASE("an executor that leaves the slot empty takes no times") {
  Table empty;
  empty.executor.profile = nullptr;
  CHECK_EQ(SamplePlugin::error_of([&] { steps_of(empty.executor); }), "executor 'sample' takes no time of its steps");
}
