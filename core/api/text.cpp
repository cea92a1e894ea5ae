#include "core/api/text.h"

const char *HT_CALL ht_version() {
  return HALFTONE_VERSION;
}

const char *HT_CALL ht_text_data(const ht_text *text) {
  return text == nullptr ? "" : text->text.c_str();
}

std::uint64_t HT_CALL ht_text_size(const ht_text *text) {
  return text == nullptr ? 0 : text->text.size();
}

void HT_CALL ht_text_destroy(ht_text *text) {
  delete text;
}
