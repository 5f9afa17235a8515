// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace vortex::base {

// Well-formed UTF-8 as Unicode 15, table 3-7: no overlong forms, no surrogates, nothing past
// U+10FFFF.
bool IsUtf8(std::string_view text);

// How many bytes at the front of `text` are a character that a terminal obeys, or that breaks a
// line or turns the direction of what follows: C0, DEL, C1 (U+0080 to U+009F, c2 80 to c2 9f),
// U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069. 0 when it begins with something else,
// or is empty.
std::size_t ControlLength(std::string_view text);

}  // namespace vortex::base
