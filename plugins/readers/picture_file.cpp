#include "picture_file.h"

#include <jerror.h>
#include <jpeglib.h>
#include <png.h>
#include <cstdio>  // before jpeglib.h, which uses FILE and includes nothing

#include <csetjmp>
#include <cstring>
#include <string_view>

#include "halftone/status.hpp"

namespace halftone::readers {
namespace {

constexpr const char *kRemedy = "; replace or remove it";
constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 28U;

void check_size(std::uint64_t height, std::uint64_t width, const std::string &name) {
  if (height * width > kMostPixels) throw sdk::Failure(HT_INVALID_ARGUMENT, "'" + name + "' has more than 2^28 pixels");
}

// libjpeg reports errors by a call that must not return. Its warnings count as errors, because a truncated file is only
// a warning to it; those that leave the picture whole do not.
struct JpegFault {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  char text[JMSG_LENGTH_MAX];
};
void jpeg_exit(j_common_ptr info) {
  auto *fault = reinterpret_cast<JpegFault *>(info->err);
  info->err->format_message(info, fault->text);
  std::longjmp(fault->back, 1);
}
void jpeg_message(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_BOGUS_PROGRESSION;
  if (level < 0 && !harmless) jpeg_exit(info);
}
void jpeg_silent(j_common_ptr) {}

// No object with a destructor lives in a frame that longjmp leaves: two steps, each with plain locals only.
bool jpeg_header(jpeg_decompress_struct &info, JpegFault &fault, std::span<const std::byte> file) {
  if (setjmp(fault.back) != 0) return false;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char *>(file.data()), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  // The accurate transform: the same bytes whatever the vector unit.
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;
  return true;
}
bool jpeg_rows(jpeg_decompress_struct &info, JpegFault &fault, std::uint8_t *pixels) {
  if (setjmp(fault.back) != 0) return false;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels + std::size_t{info.output_scanline} * info.image_width * 3;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

struct JpegCleanup {
  jpeg_decompress_struct &info;
  ~JpegCleanup() { jpeg_destroy_decompress(&info); }
};

void decode_jpeg(std::span<const std::byte> file, const std::string &name, const PixelMemory &memory) {
  jpeg_decompress_struct info{};
  JpegFault fault{};
  info.err = jpeg_std_error(&fault.manager);
  fault.manager.error_exit = &jpeg_exit;
  fault.manager.emit_message = &jpeg_message;
  fault.manager.output_message = &jpeg_silent;
  const JpegCleanup cleanup{info};
  const auto broken = [&] {
    throw sdk::Failure(HT_DATA_LOSS, "'" + name + "' is a broken JPEG: " + fault.text + kRemedy);
  };
  if (!jpeg_header(info, fault, file)) broken();
  check_size(info.image_height, info.image_width, name);
  std::uint8_t *pixels = memory(info.image_height, info.image_width);
  if (!jpeg_rows(info, fault, pixels)) broken();
}

void decode_png(std::span<const std::byte> file, const std::string &name, const PixelMemory &memory) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const auto broken = [&] {
    const std::string why = image.message;
    png_image_free(&image);
    throw sdk::Failure(HT_DATA_LOSS, "'" + name + "' is a broken PNG: " + why + kRemedy);
  };
  if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0) broken();
  try {
    check_size(image.height, image.width, name);
    // Transparency is laid on black.
    image.format = PNG_FORMAT_RGB;
    const png_color black{0, 0, 0};
    std::uint8_t *pixels = memory(image.height, image.width);
    if (png_image_finish_read(&image, &black, pixels, 0, nullptr) == 0) broken();
  } catch (...) {
    png_image_free(&image);
    throw;
  }
}

}  // namespace

void decode_picture(std::span<const std::byte> file, const std::string &name, const PixelMemory &memory) {
  const auto begins = [&](std::string_view magic) {
    return file.size() >= magic.size() && std::memcmp(file.data(), magic.data(), magic.size()) == 0;
  };
  if (begins("\xFF\xD8")) return decode_jpeg(file, name, memory);
  if (begins("\x89PNG")) return decode_png(file, name, memory);
  if (file.empty()) throw sdk::Failure(HT_DATA_LOSS, "'" + name + "' is empty" + kRemedy);
  throw sdk::Failure(HT_DATA_LOSS,
                     "'" + name + "' is neither a JPEG nor a PNG picture; remove it or name another reader");
}

}  // namespace halftone::readers
