// SPDX-License-Identifier: Apache-2.0
// What /proc says of all processes. Any of them may go while it is looked at; then it has no text.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace vortex::testing {

std::vector<int> AllPids();

// A whole file; empty when it cannot be read.
std::string Slurp(const std::filesystem::path& path);

// /proc/PID/cmdline, words separated by spaces.
std::string CommandLine(int pid);

}  // namespace vortex::testing
