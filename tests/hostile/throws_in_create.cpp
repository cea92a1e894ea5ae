// Throws through the C boundary, which its author promised not to do.
#include <halftone/halftone.h>

#include <stdexcept>

namespace {
ht_status HT_CALL create(const ht_host *, ht_ctx *, const ht_value *, std::uint64_t, void **) {
  throw std::runtime_error("create went wrong");
}
void HT_CALL destroy(void *) {}
ht_status HT_CALL run(void *, ht_ctx *) {
  return HT_OK;
}
const ht_pass table = {sizeof(ht_pass), 0, run};
const ht_role role = {sizeof(ht_role), 0, HT_PASS_1, &table};
const ht_role *const roles[] = {&role};
const ht_component component = {sizeof(ht_component),
                                HT_KIND_PASS,
                                HT_DETERMINISM_EXACT,
                                HT_THREADING_INSTANCE,
                                0,
                                "throws-in-create",
                                "1.0",
                                "A fixture",
                                "",
                                nullptr,
                                0,
                                nullptr,
                                0,
                                nullptr,
                                0,
                                nullptr,
                                0,
                                nullptr,
                                0,
                                roles,
                                1,
                                create,
                                destroy};
const ht_component *const list[] = {&component};
}  // namespace

extern "C" const ht_plugin ht_plugin_entry = {
    sizeof(ht_plugin), HT_ABI_MAJOR, HT_ABI_MINOR, HT_ABI_MINOR, "throws-in-create", "1.0", "Apache-2.0", "", list, 1,
    nullptr,           nullptr};
