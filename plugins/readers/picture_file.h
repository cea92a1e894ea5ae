// JPEG and PNG to rows of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace halftone::readers {

// Where the pixels go: asked for once, when height and width are known; [height, width, 3] bytes.
using PixelMemory = std::function<std::uint8_t *(std::uint32_t height, std::uint32_t width)>;

// Decodes to 8-bit RGB; gray is repeated, transparency is laid on black. Throws DATA_LOSS naming the file when it is
// corrupt or truncated, or neither JPEG nor PNG, and INVALID_ARGUMENT when it has more than 2^28 pixels.
void decode_picture(std::span<const std::byte> file, const std::string &name, const PixelMemory &memory);

}  // namespace halftone::readers
