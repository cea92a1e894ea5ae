// A request to end what runs.
#pragma once

#include <atomic>

#include "halftone/embed.h"

struct ht_stop {
  std::atomic<bool> requested{false};
};
