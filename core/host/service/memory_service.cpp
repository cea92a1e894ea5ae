#include "core/host/service/table.h"
#include "core/host/service/tables.h"

namespace halftone::host {

namespace {
void *HT_CALL allocate(ht_ctx *ctx, std::uint64_t bytes, std::uint64_t alignment) {
  void *memory = nullptr;
  serve(ctx, [&] { memory = ctx->arena.allocate(bytes, alignment); });
  return memory;
}
}  // namespace

const ht_memory *memory_table() {
  static constexpr ht_memory kTable = {sizeof(ht_memory), 0, &allocate};
  return &kTable;
}

}  // namespace halftone::host
