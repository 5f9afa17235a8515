// SPDX-License-Identifier: Apache-2.0
// Labels that mark our objects in containerd.
#pragma once

namespace vortex::sandbox {

inline constexpr char kRunIdLabel[] = "io.vortex.run-id";
inline constexpr char kPluginLabel[] = "io.vortex.plugin-id";
inline constexpr char kClassLabel[] = "io.vortex.runtime-class";
// Whose run it is: the state directory of the installation that made it.
inline constexpr char kStateDirLabel[] = "io.vortex.state-dir";

}  // namespace vortex::sandbox
