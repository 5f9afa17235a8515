// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace vortex::base {

// Well-formed UTF-8 as Unicode 15, table 3-7: no overlong forms, no surrogates, nothing past
// U+10FFFF.
bool IsUtf8(std::string_view text);

}  // namespace vortex::base
