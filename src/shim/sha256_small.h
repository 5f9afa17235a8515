// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) in lower-case hex, for names of sockets: a few dozen bytes, and no OpenSSL
// in the shim.
#pragma once

#include <string>
#include <string_view>

namespace vortex::shim {

std::string Sha256Hex(std::string_view bytes);

}  // namespace vortex::shim
