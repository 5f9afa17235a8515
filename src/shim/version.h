// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vortex::shim {

inline constexpr char kVersion[] = VORTEX_SHIM_VERSION;

}  // namespace vortex::shim
