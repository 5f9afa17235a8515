// SPDX-License-Identifier: Apache-2.0
#include "shim/wire_fields.h"

namespace vortex::shim {
namespace {

bool TakeVarint(std::string_view* bytes, std::uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 70 && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    if (shift < 64) *value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

bool EachField(std::string_view bytes,
               const std::function<void(std::uint64_t, std::string_view)>& field) {
  while (!bytes.empty()) {
    std::uint64_t tag = 0;
    std::uint64_t number = 0;
    if (!TakeVarint(&bytes, &tag) || tag >> 3 == 0) return false;
    switch (tag & 7) {
      case 0:
        if (!TakeVarint(&bytes, &number)) return false;
        break;
      case 1:
      case 5: {
        const std::size_t size = (tag & 7) == 1 ? 8 : 4;
        if (bytes.size() < size) return false;
        bytes.remove_prefix(size);
        break;
      }
      case 2:
        if (!TakeVarint(&bytes, &number) || number > bytes.size()) return false;
        field(tag >> 3, bytes.substr(0, number));
        bytes.remove_prefix(number);
        break;
      default:
        return false;
    }
  }
  return true;
}

}  // namespace vortex::shim
