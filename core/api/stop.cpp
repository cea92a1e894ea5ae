#include "core/api/stop.h"

#include "core/api/failure.h"

using namespace halftone;

ht_status HT_CALL ht_stop_create(ht_stop **stop) {
  return api::guarded([&] {
    api::require_given(stop, "stop");
    *stop = new ht_stop;
  });
}

// Nothing but a store: a signal handler may call it.
void HT_CALL ht_stop_request(ht_stop *stop) {
  if (stop != nullptr) stop->requested.store(true);
}

void HT_CALL ht_stop_destroy(ht_stop *stop) {
  delete stop;
}
